//! Settings that are each allowed and yet may not stand together, safe defaults left above all.

use super::{ClientCertificates, Config, ForwardedField, Limits, hook};

/// Envelope around the text of a chat message: names, room, numbers, frame head.
const ENVELOPE_BYTES: usize = 4096;
/// One character at its longest: a surrogate pair written as two `\u` escapes (RFC 8259 §7).
const CHARACTER_BYTES: usize = 12;
/// The rest of a message or of a request head.
const SURROUNDING_BYTES: usize = 1024;
/// RFC 6455 §5.2: a server's longest frame head.
const FRAME_HEAD_BYTES: usize = 10;

/// A question waits in the queue, and then for its answer.
const HOOK_WAITS: u32 = 2;

/// What two settings may be together.
pub(super) struct Rule {
    /// The setting to change.
    pub(super) key: &'static str,
    /// The one it is judged against.
    pub(super) with: &'static str,
    pub(super) holds: fn(&Config) -> bool,
    pub(super) allowed: &'static str,
}

/// Every rule; each names two rows of the settings table.
pub(super) static RULES: &[Rule] = &[
    Rule {
        key: "rooms.durable",
        with: "rooms.public",
        holds: |config| {
            let rooms = &config.rooms;
            let is_known = |name: &String| *name == rooms.lobby || rooms.public.contains(name);
            rooms.durable.iter().all(is_known)
        },
        allowed: "names of rooms.public, and that of rooms.lobby",
    },
    Rule {
        key: "listen.address",
        with: "listen.insecure_public",
        holds: |config| {
            config.tls.is_on()
                || config.listen.insecure_public
                || !config.proxy.trusted.is_empty()
                || config.listen.address.ip().to_canonical().is_loopback()
        },
        allowed: "a loopback address while tls.certificate is not set; or proxy.trusted or \
                  listen.insecure_public = true when another program in front of this one ends TLS",
    },
    Rule {
        key: "proxy.protocol",
        with: "proxy.trusted",
        holds: |config| !config.proxy.protocol || !config.proxy.trusted.is_empty(),
        allowed: "true only with proxy.trusted: nobody else's PROXY header is read",
    },
    Rule {
        key: "proxy.header",
        with: "proxy.protocol",
        holds: |config| {
            let proxy = &config.proxy;
            proxy.header != ForwardedField::None || proxy.protocol || proxy.trusted.is_empty()
        },
        allowed: "\"none\" only with proxy.protocol = true: otherwise trusted proxies could name nobody, and all of \
                  their clients would count as one address",
    },
    Rule {
        key: "tls.key",
        with: "tls.certificate",
        holds: |config| config.tls.key.len() == config.tls.certificate.len(),
        allowed: "one key for each of tls.certificate, in the same order",
    },
    Rule {
        key: "tls.client_certificates",
        with: "tls.client_ca",
        holds: |config| {
            let asked = config.tls.client_certificates != ClientCertificates::Off;
            asked == config.tls.client_ca.is_some()
        },
        allowed: "\"optional\" or \"required\" with tls.client_ca, \"off\" without",
    },
    Rule {
        key: "tls.client_certificates",
        with: "tls.certificate",
        holds: |config| {
            config.tls.is_on() || config.tls.client_certificates == ClientCertificates::Off
        },
        allowed: NOT_WITHOUT_TLS,
    },
    Rule {
        key: "tls.hsts",
        with: "tls.certificate",
        holds: |config| config.tls.is_on() || config.tls.hsts.is_zero(),
        allowed: NOT_WITHOUT_TLS,
    },
    Rule {
        key: "tls.redirect_address",
        with: "tls.certificate",
        holds: |config| config.tls.is_on() || config.tls.redirect_address.is_none(),
        allowed: NOT_WITHOUT_TLS,
    },
    Rule {
        key: "private.address",
        with: "private.key_file",
        holds: |config| {
            let private = &config.private;
            let is_loopback = private.address.ip().to_canonical().is_loopback();
            !private.enabled || is_loopback || private.key_file.is_some()
        },
        allowed: "a loopback address, or private.key_file: whoever reaches it is answered",
    },
    Rule {
        key: "private.body_bytes_max",
        with: "limits.message_characters_max",
        holds: |config| {
            let characters_max = config.limits.message_characters_max;
            config.private.body_bytes_max >= CHARACTER_BYTES * characters_max + SURROUNDING_BYTES
        },
        allowed: "at least 12 x limits.message_characters_max + 1024, so that every legal message can be published",
    },
    Rule {
        key: "auth.cookie",
        with: "origins.allow",
        holds: |config| config.auth.cookie.is_none() || !config.origins.allow.is_empty(),
        allowed: "a cookie only with origins.allow: browsers send cookies for every page",
    },
    Rule {
        key: "auth.ticket.tickets_per_user_max",
        with: "auth.ticket.tickets_max",
        holds: |config| config.auth.ticket.tickets_per_user_max <= config.auth.ticket.tickets_max,
        allowed: "at most auth.ticket.tickets_max",
    },
    Rule {
        key: "auth.hook.url",
        with: "auth.hook.secret_file",
        holds: |config| config.auth.hook.url.is_none() || config.auth.hook.secret_file.is_some(),
        allowed: "an address only with auth.hook.secret_file, so that the program there knows who asks",
    },
    Rule {
        key: "auth.hook.url",
        with: "auth.hook.insecure_http",
        holds: |config| hook::is_private(&config.auth.hook),
        allowed: "https, or http to this machine, since credentials are sent there; or auth.hook.insecure_http = true \
                  when something else keeps that network safe",
    },
    Rule {
        key: "auth.hook.timeout",
        with: "deadlines.head",
        holds: |config| {
            let Config {
                auth, deadlines, ..
            } = config;
            auth.hook.url.is_none() || auth.hook.timeout * HOOK_WAITS < deadlines.head
        },
        allowed: "less than half of deadlines.head, so that a client lives to hear what became of its question",
    },
    Rule {
        key: "limits.connections_per_user",
        with: "limits.connections_max",
        holds: |config| config.limits.connections_per_user <= config.limits.connections_max,
        allowed: AT_MOST_CONNECTIONS,
    },
    Rule {
        key: "limits.connections_per_address",
        with: "limits.connections_max",
        holds: |config| config.limits.connections_per_address <= config.limits.connections_max,
        allowed: AT_MOST_CONNECTIONS,
    },
    Rule {
        key: "limits.unauthenticated_max",
        with: "limits.connections_max",
        holds: |config| config.limits.unauthenticated_max <= config.limits.connections_max,
        allowed: AT_MOST_CONNECTIONS,
    },
    Rule {
        key: "limits.penalty_max",
        with: "limits.penalty_min",
        holds: |config| config.limits.penalty_min <= config.limits.penalty_max,
        allowed: "at least limits.penalty_min",
    },
    Rule {
        key: "limits.message_bytes_max",
        with: "limits.message_characters_max",
        holds: |config| a_legal_message_fits(&config.limits),
        allowed: "at least 12 x limits.message_characters_max + 1024, so that every legal message fits",
    },
    Rule {
        key: "limits.head_bytes_max",
        with: "auth.jwt.token_bytes_max",
        holds: |config| {
            config.limits.head_bytes_max >= config.auth.jwt.token_bytes_max + SURROUNDING_BYTES
        },
        allowed: "at least auth.jwt.token_bytes_max + 1024, so that every legal token fits",
    },
    Rule {
        key: "limits.outbound_bytes_per_connection_max",
        with: "limits.message_bytes_max",
        holds: |config| {
            let limits = &config.limits;
            limits.outbound_bytes_per_connection_max >= limits.message_bytes_max + ENVELOPE_BYTES
        },
        allowed: "at least limits.message_bytes_max + 4096, so that every message can be delivered",
    },
    Rule {
        key: "limits.outbound_bytes_per_connection_max",
        with: "echo.message_bytes_max",
        holds: |config| {
            let queue = config.limits.outbound_bytes_per_connection_max;
            !config.echo.enabled || queue >= config.echo.message_bytes_max + FRAME_HEAD_BYTES
        },
        allowed: "at least echo.message_bytes_max + 10 while echo.enabled, so that every message can be echoed",
    },
    Rule {
        key: "limits.outbound_bytes_max",
        with: "limits.outbound_bytes_per_connection_max",
        holds: |config| {
            config.limits.outbound_bytes_max >= config.limits.outbound_bytes_per_connection_max
        },
        allowed: "at least limits.outbound_bytes_per_connection_max",
    },
];

const NOT_WITHOUT_TLS: &str = "nothing while tls.certificate is not set";
const AT_MOST_CONNECTIONS: &str = "at most limits.connections_max";

fn a_legal_message_fits(limits: &Limits) -> bool {
    limits.message_characters_max <= characters_that_fit(limits)
}

/// How many characters a message may be allowed beside this `message_bytes_max`.
pub(super) fn characters_that_fit(limits: &Limits) -> usize {
    limits.message_bytes_max.saturating_sub(SURROUNDING_BYTES) / CHARACTER_BYTES
}

#[cfg(test)]
mod tests {
    use super::super::settings;
    use super::*;

    #[test]
    fn the_defaults_contradict_nothing() {
        for rule in RULES {
            assert!(
                (rule.holds)(&Config::default()),
                "{} with {}",
                rule.key,
                rule.with
            );
        }
    }

    #[test]
    fn every_rule_names_settings_that_exist() {
        for rule in RULES {
            assert!(settings::find(rule.key).is_some(), "{}", rule.key);
            assert!(settings::find(rule.with).is_some(), "{}", rule.with);
        }
    }
}
