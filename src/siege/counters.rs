//! What the server says of itself: its counters by `/metrics`, and one-off requests over a socket of its own.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use super::bounds::{ANSWER_BYTES_MAX, REQUEST_TIME_MAX};
use super::peer::{Way, open_socket};
use super::target::Target;
use super::tls::Wrap;

/// Counters and gauges by `family:label`, the sum over other labels; without labels by `family:`.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters(BTreeMap<String, f64>);

impl Counters {
    /// Asks for them; empty when nobody answers, as after the server's end.
    pub(super) fn ask(private: SocketAddr) -> Counters {
        let answer = Target::from_loopback(private).ok().and_then(|target| {
            let way = Way { target, tls: None };
            request(way, None, "GET /metrics HTTP/1.1\r\n", "")
        });
        answer.map_or_else(Counters::default, |text| Counters::read(&text))
    }

    pub(super) fn read(text: &str) -> Counters {
        let mut found = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, number)) = line.rsplit_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<f64>() else {
                continue;
            };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let name = name.strip_prefix("wardroom_").unwrap_or(name);
            let family = name.strip_suffix("_total").unwrap_or(name);
            let mut add = |label: &str| {
                *found.entry(format!("{family}:{label}")).or_insert(0.0) += number;
            };
            if labels.is_empty() {
                add("");
            }
            // Every second piece between quotes is a value; none of this server's has a quote in it.
            labels.split('"').skip(1).step_by(2).for_each(&mut add);
        }
        Counters(found)
    }

    pub(super) fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What rose since `before`, of this family, by label.
    pub(super) fn rises<'a>(
        &'a self,
        before: &'a Counters,
        family: &'a str,
    ) -> impl Iterator<Item = (&'a str, u64)> {
        self.0.iter().filter_map(move |(name, now)| {
            let label = name.strip_prefix(family)?.strip_prefix(':')?;
            let rise = now - before.get(name);
            (rise >= 1.0).then_some((label, rise as u64))
        })
    }

    /// Sessions and other public connections that are open.
    pub(super) fn connections(&self) -> u64 {
        let states = self
            .0
            .iter()
            .filter(|(name, _)| name.starts_with("connections:"));
        let public = states.filter(|(name, _)| name.as_str() != "connections:private");
        public.map(|(_, number)| *number).sum::<f64>() as u64
    }
}

/// The body of a 200 to a request of this line and these fields.
pub(super) fn request(
    way: Way<'_>,
    source: Option<Ipv4Addr>,
    line: &str,
    fields: &str,
) -> Option<String> {
    let socket = open_socket(way.target, source, false).ok()?;
    socket.set_nonblocking(false).ok()?;
    let mut stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(REQUEST_TIME_MAX)).ok()?;
    stream.set_write_timeout(Some(REQUEST_TIME_MAX)).ok()?;
    let host = way.target.address();
    let request = format!("{line}Host: {host}\r\nConnection: close\r\n{fields}\r\n");
    let answer = match way.tls {
        Some(config) => {
            Wrap::new(config)
                .ok()?
                .ask(&mut stream, request.as_bytes(), ANSWER_BYTES_MAX)?
        }
        None => {
            let mut answer = Vec::new();
            stream.write_all(request.as_bytes()).ok()?;
            stream
                .take(ANSWER_BYTES_MAX)
                .read_to_end(&mut answer)
                .ok()?;
            answer
        }
    };
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200 ").then(|| body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_summed_by_each_of_their_labels() {
        let text = "# TYPE x counter\nwardroom_limited_total{limit=\"a\",scope=\"user\"} 2\n\
                    wardroom_limited_total{limit=\"a\",scope=\"address\"} 3\nwardroom_users 7\n\
                    wardroom_connections{state=\"head\"} 4\nwardroom_connections{state=\"private\"} 1\n";
        let counters = Counters::read(text);
        assert_eq!(counters.get("limited:a"), 5.0);
        assert_eq!(counters.get("limited:user"), 2.0);
        assert_eq!(counters.get("users:"), 7.0);
        assert_eq!(counters.connections(), 4);
        let rises: Vec<_> = counters
            .rises(&Counters::default(), "limited")
            .map(|(label, rise)| format!("{label} {rise}"))
            .collect();
        assert_eq!(rises, ["a 5", "address 3", "user 2"]);
    }
}
