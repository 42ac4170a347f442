//! The value every setting has when nobody gave one. Only values: what they mean stands on the
//! fields, what they may be in the settings table.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{
    Auth, ClientCertificates, Config, Deadlines, Drain, Echo, HookSecret, HookSettings, Jwt,
    Limits, Listen, Log, LogFormat, Private, Rate, RefuseWith, SessionSettings, Shadow, Store,
    TicketSettings, Tls, TlsMinimum, Turn,
};

impl Default for Config {
    fn default() -> Self {
        Config {
            memory: 64 * 1024 * 1024,
            listen: Default::default(),
            proxy: Default::default(),
            tls: Default::default(),
            private: Default::default(),
            origins: Default::default(),
            auth: Default::default(),
            limits: Default::default(),
            deadlines: Default::default(),
            drain: Default::default(),
            turn: Default::default(),
            rooms: Default::default(),
            echo: Default::default(),
            store: Default::default(),
            log: Default::default(),
            process: Default::default(),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Listen {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            insecure_public: false,
            reuse_port: false,
        }
    }
}

impl Default for Private {
    fn default() -> Self {
        Private {
            enabled: true,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8090)),
            key_file: None,
            key: None,
            hosts: Vec::new(),
            connections_max: 64,
            body_bytes_max: 65_536,
            requests: Rate::new(100, Duration::from_secs(1)),
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Tls {
            certificate: Vec::new(),
            key: Vec::new(),
            minimum: TlsMinimum::default(),
            look_every: Duration::from_secs(10),
            hsts: Duration::ZERO,
            redirect_address: None,
            public_port: None,
            client_certificates: ClientCertificates::default(),
            client_ca: None,
            identities: Vec::new(),
            client_authorities: Vec::new(),
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Auth {
            query_token: true,
            refuse_with: RefuseWith::Close,
            cookie: None,
            keys: Vec::new(),
            key_overlap: Duration::from_secs(10 * 60),
            revocations_max: 100_000,
            jwt: Jwt::default(),
            ticket: TicketSettings::default(),
            session: SessionSettings::default(),
            hook: HookSettings::default(),
        }
    }
}

impl Default for Jwt {
    fn default() -> Self {
        Jwt {
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(30),
            token_bytes_max: 4096,
            lifetime_max: Duration::from_secs(31 * 24 * 60 * 60),
        }
    }
}

impl Default for TicketSettings {
    fn default() -> Self {
        TicketSettings {
            lifetime: Duration::from_secs(30),
            tickets_max: 10_000,
            tickets_per_user_max: 8,
        }
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        SessionSettings {
            lifetime: Duration::from_secs(30 * 24 * 60 * 60),
            sessions_max: 100_000,
            sessions_per_user_max: 16,
        }
    }
}

impl Default for HookSettings {
    fn default() -> Self {
        HookSettings {
            url: None,
            secret_file: None,
            secret: HookSecret::default(),
            ca_file: None,
            ca: Vec::new(),
            insecure_http: false,
            timeout: Duration::from_secs(2),
            concurrency_max: 4,
            queue_max: 64,
            questions_per_address_max: 8,
            credential_bytes_max: 4096,
            cache_entries_max: 10_000,
            cache_time: Duration::from_secs(30),
            cache_refused_time: Duration::from_secs(5),
            failures_max: 5,
            down_time: Duration::from_secs(5),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let per_second = Duration::from_secs(1);
        let per_five = Duration::from_secs(5);
        let per_ten = Duration::from_secs(10);
        Limits {
            connections_max: 10_000,
            connections_per_user: 3,
            connections_per_address: 5,
            plain_per_address: 32,
            unauthenticated_max: 1000,
            prefixes_max: 16_384,

            departed_users_max: 10_000,
            commands_per_user: Rate::new(60, per_ten),
            messages_per_user: Rate::new(5, per_five),
            messages_per_connection: Rate::new(10, per_five),
            messages_per_address: Rate::new(50, per_five),
            bytes_per_connection: Rate::new(131_072, per_second),
            bytes_per_address: Rate::new(524_288, per_second),
            control_frames_per_connection: Rate::new(30, per_ten),
            // A message in reads of one byte, or two invalid ones in every second.
            glitches_per_connection: Rate::new(2000, per_ten),
            frames_per_connection: Rate::new(2000, per_ten),
            handshakes_per_address: Rate::new(30, per_ten),
            failed_authentications_per_address: Rate::new(10, Duration::from_secs(60)),
            // Three times what guesses are allowed: what is beyond it is no mistake.
            offences_per_address: Rate::new(30, Duration::from_secs(60)),
            penalty_min: Duration::from_secs(10),
            penalty_max: Duration::from_secs(10 * 60),
            penalty_exempt: Vec::new(),
            exempt: Vec::new(),
            earned_per_address_max: 200,
            earned_after: Duration::from_secs(30),
            earned_kept: Duration::from_secs(24 * 60 * 60),
            refreshes_per_connection: Rate::new(5, Duration::from_secs(60)),
            pending_answers_max: 1024,
            error_replies_per_connection: Rate::new(10, per_ten),
            pauses_max: 5,

            message_characters_max: 500,
            message_bytes_max: 8192,
            fragments_per_message_max: 128,
            tls_handshake_bytes_max: 16_384,
            head_bytes_max: 8192,
            head_fields_max: 64,
            requests_per_connection_max: 100,
            rooms_per_connection_max: 32,
            outbound_bytes_per_connection_max: 262_144,
            // Enough to go on sending until the next turn; the kernel alone would take up to 4 MiB of each, which no account of this program knows.
            unsent_bytes_per_connection_max: 16_384,
            outbound_bytes_max: 64 * 1024 * 1024,
            shadow: Shadow::default(),
            members_listed_max: 1000,
        }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            head: Duration::from_secs(10),
            handshake: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            // Longer than any honest page, handshake and sign-in take one after the other.
            sign_in: Duration::from_secs(60),
            first_message: Duration::ZERO,
            idle: Duration::from_secs(8 * 60 * 60),
            ping: Duration::from_secs(30),
            pong: Duration::from_secs(20),
            unread: Duration::from_secs(30),
            close: Duration::from_secs(2),
            linger: Duration::from_millis(500),
            pause: Duration::from_secs(1),
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Drain {
            window: Duration::from_secs(5),
            // Below the ten seconds after which container runtimes kill.
            time_max: Duration::from_secs(8),
        }
    }
}

impl Default for Turn {
    fn default() -> Self {
        Turn {
            // What comes meanwhile waits for a turn and the first half of the next: under attack not much longer than an idle server takes to wake up.
            people_microseconds_max: 200,
            // A third of the core while both have more to do, and all of it while only strangers have.
            strangers_microseconds_max: 100,
            accepts_max: 64,
            reads_max: 1024,
            read_bytes_per_connection_max: 65_536,
            // A whole read of short frames, of a microsecond or two each: with half as many, sixteen in flight cost a third more.
            frames_per_connection_max: 32,
            signature_checks_max: 64,
            tls_handshakes_max: 16,
            writes_max: 4096,
            write_bytes_per_connection_max: 262_144,
        }
    }
}

impl Default for Echo {
    fn default() -> Self {
        Echo {
            enabled: false,
            message_bytes_max: 65_536,
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Store {
            directory: "wardroom-data".into(),
            shared: false,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Log {
            format: LogFormat::Text,
            security_file: None,
            // Enough to see who it is and how much; a flood of one kind is 1 MiB an hour at most.
            security_events: Rate::new(20, Duration::from_secs(10)),
        }
    }
}
