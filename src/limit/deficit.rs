//! What one of many may spend before the next has their turn: deficit round robin, with debts.

/// What is left of a share, or owed to the next.
///
/// **What is not spent is not kept, what is overspent is owed**: one whose last piece was larger than what was left has less next time, or goes
/// without until that is repaid. So over many rounds everybody who has enough to do spends the same, however large the pieces.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Deficit {
    left: i32,
}

impl Deficit {
    /// A round begins in which so much may be spent.
    pub fn grant(&mut self, quantum: u32) {
        let quantum = i32::try_from(quantum).unwrap_or(i32::MAX);
        self.left = self.left.min(0).saturating_add(quantum);
    }

    /// Spends so much, on debt if need be.
    pub fn spend(&mut self, cost: u32) {
        let cost = i32::try_from(cost).unwrap_or(i32::MAX);
        self.left = self.left.saturating_sub(cost);
    }

    /// What is left; below zero it is owed.
    pub fn left(self) -> i32 {
        self.left
    }

    /// Whether nothing is left.
    pub fn is_spent(self) -> bool {
        self.left <= 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_spent_is_lost_and_what_is_overspent_is_owed() {
        let mut deficit = Deficit::default();
        assert!(deficit.is_spent(), "nothing was granted yet");
        deficit.grant(10);
        deficit.spend(3);
        deficit.grant(10);
        assert_eq!(deficit.left, 10);
        deficit.spend(35);
        deficit.grant(10);
        assert!(deficit.is_spent(), "15 are owed yet");
        deficit.grant(10);
        deficit.grant(10);
        assert_eq!(deficit.left, 5);
    }

    proptest! {
        #[test]
        fn after_any_number_of_rounds_nobody_with_enough_to_do_is_more_than_a_piece_ahead(
            pieces in prop::collection::vec(1u32..500, 2..6),
            rounds in 1u32..200,
        ) {
            const QUANTUM: u32 = 100;
            for piece in pieces {
                let (mut deficit, mut spent) = (Deficit::default(), 0);
                for _ in 0..rounds {
                    deficit.grant(QUANTUM);
                    while !deficit.is_spent() {
                        deficit.spend(piece);
                        spent += piece;
                    }
                }
                prop_assert!(spent >= rounds * QUANTUM && spent < rounds * QUANTUM + piece);
            }
        }
    }
}
