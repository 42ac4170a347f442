//! What memory is drawn for, and what is left of its budget. Numbers only: what a thing costs stands where the thing does.

/// What memory is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Tables of fixed size and buffers that all connections share.
    Tables,
    /// Connections that are no session: their entries, and what has come of their requests.
    Strangers,
    /// Sessions: their entries, seats, and messages that have not come whole.
    Sessions,
    /// What the TLS library keeps for a connection.
    Tls,
    /// Bytes that were read from connections that are paused.
    Held,
    /// What waits to be written.
    Queues,
    /// Users, connected or remembered, tickets, revocations, and what the authentication hook said.
    Users,
    /// Rooms, how people stand to them, and what is gathered for them in a turn.
    Rooms,
    /// Questions to the store and the authentication hook, and what they may be answered.
    Asked,
}

impl Class {
    /// Every class, in the order in which it is told.
    pub const ALL: [Class; 9] = [
        Class::Tables,
        Class::Strangers,
        Class::Sessions,
        Class::Tls,
        Class::Held,
        Class::Queues,
        Class::Users,
        Class::Rooms,
        Class::Asked,
    ];

    /// A stable word for metrics and people.
    pub const fn label(self) -> &'static str {
        match self {
            Class::Tables => "tables",
            Class::Strangers => "unauthenticated",
            Class::Sessions => "sessions",
            Class::Tls => "tls",
            Class::Held => "held",
            Class::Queues => "queues",
            Class::Users => "users",
            Class::Rooms => "rooms",
            Class::Asked => "asked",
        }
    }
}

/// How much is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Pressure {
    #[default]
    Calm,
    /// Over the soft mark: whoever is cheapest to lose goes.
    Soft,
    /// Over the hard mark: what would take more is refused.
    Hard,
}

/// A budget and its two marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    bytes: usize,
}

impl Budget {
    /// A budget of so many bytes.
    pub const fn new(bytes: usize) -> Self {
        Budget { bytes }
    }

    pub const fn bytes(self) -> usize {
        self.bytes
    }

    /// From here on something is shed: a quarter is kept for those who are in.
    pub const fn soft(self) -> usize {
        self.bytes / 4 * 3
    }

    /// From here on what would take more is refused. The rest is for what one turn draws before it is looked at.
    pub const fn hard(self) -> usize {
        self.bytes / 16 * 15
    }

    /// What it means that so much is drawn.
    pub const fn pressure(self, drawn: usize) -> Pressure {
        if drawn >= self.hard() {
            Pressure::Hard
        } else if drawn >= self.soft() {
            Pressure::Soft
        } else {
            Pressure::Calm
        }
    }
}

/// How much is drawn, by class.
///
/// **Whoever draws remembers how much, and gives exactly that back.**
#[derive(Debug, Default)]
pub struct Account {
    drawn: [usize; Class::ALL.len()],
}

impl Account {
    /// Somebody who had drawn `before` bytes of a class has drawn `after` now.
    pub fn redraw(&mut self, class: Class, before: usize, after: usize) {
        if let Some(drawn) = self.drawn.get_mut(class as usize) {
            debug_assert!(*drawn >= before, "more is given back than was drawn");
            *drawn = drawn.saturating_sub(before) + after;
        }
    }

    /// What is drawn of a class.
    pub fn of(&self, class: Class) -> usize {
        self.drawn.get(class as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marks_are_three_quarters_and_fifteen_sixteenths() {
        const MIB: usize = 1024 * 1024;
        let budget = Budget::new(64 * MIB);
        assert_eq!(budget.bytes(), 64 * MIB);
        for (drawn, pressure) in [
            (0, Pressure::Calm),
            (48 * MIB - 1, Pressure::Calm),
            (48 * MIB, Pressure::Soft),
            (60 * MIB - 1, Pressure::Soft),
            (60 * MIB, Pressure::Hard),
            (usize::MAX, Pressure::Hard),
        ] {
            assert_eq!(budget.pressure(drawn), pressure, "{drawn}");
        }
    }

    #[test]
    fn what_was_drawn_is_given_back_of_its_own_class() {
        let mut account = Account::default();
        account.redraw(Class::Held, 0, 100);
        account.redraw(Class::Queues, 0, 7);
        account.redraw(Class::Held, 100, 40);
        assert_eq!(
            (account.of(Class::Held), account.of(Class::Queues)),
            (40, 7)
        );
        account.redraw(Class::Held, 40, 0);
        account.redraw(Class::Queues, 7, 0);
        assert!(Class::ALL.iter().all(|class| account.of(*class) == 0));
    }

    #[test]
    fn every_class_has_a_word_of_its_own() {
        for (at, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, at);
            assert!(
                Class::ALL[at + 1..]
                    .iter()
                    .all(|other| other.label() != class.label())
            );
        }
    }
}
