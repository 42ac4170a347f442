//! The server's certificates as rows of `wardroom check`.

use crate::config::{Effective, Place};
use crate::reactor::{IdentitySummary, TlsAcceptor};
use crate::time::Wall;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// One row for each certificate: its names, how long it is good, the length of its chain.
pub(super) fn rows(tls: &TlsAcceptor, now: Wall) -> Vec<Effective> {
    let rows = tls.identities().enumerate();
    rows.map(|(at, identity)| Effective {
        key: format!("tls.certificate[{at}]"),
        value: describe(identity, now),
        unit: "certificate",
        place: Place::Default,
    })
    .collect()
}

fn describe(identity: &IdentitySummary, now: Wall) -> String {
    let left = identity
        .not_after
        .as_millis()
        .saturating_sub(now.as_millis());
    let names = match identity.names.as_slice() {
        [] => "no DNS name".to_owned(),
        names => names.join(", "),
    };
    format!(
        "{names}; good for {} more days; chain of {}",
        left / DAY_MS,
        identity.chain_length
    )
}
