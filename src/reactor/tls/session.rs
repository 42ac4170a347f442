//! One connection's TLS: sealed bytes to plain ones and back. It keeps what is left of a record that has not come whole,
//! and what a socket did not take; nothing else waits here.

use std::io::IoSlice;
use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{AlertDescription, HandshakeKind, NamedGroup, ProtocolVersion, ServerConfig};

use crate::engine::{TlsFacts, TlsFailure, TlsVersion};

/// RFC 8446 §5.1: plain bytes of one record at most.
const RECORD_BYTES_MAX: usize = 16 * 1024;
/// Bytes that are sealed ahead of the socket at most: two records keep a fast one busy, and are all that a slow one holds
/// beside its outbox.
pub(super) const SEALED_BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;
/// Headers, nonces and tags of so many records; when the library needs more, it says so.
const RECORDS_OVERHEAD: usize = 128;
/// Messages that the library has to send on its own at a time; far fewer ever come.
const STEPS_MAX: usize = 8;
/// Sealed bytes of the peer that can be kept: one whole record with the most overhead that a version allows.
/// Handshake messages are bounded by the engine before.
pub(super) const PARTIAL_BYTES_MAX: usize = RECORD_BYTES_MAX + 2048 + 5;
/// Records that say nothing, more of them than of those that do: changes of keys (RFC 8446 §4.6.3), each 3 to 4 us, and empty ones. Who keeps the rules changes keys
/// once in terabytes, and the library itself bounds only changes in a row.
const BARREN_RECORDS_MAX: usize = 32;

/// RFC 8446 §6.2: how a client says that it does not trust the certificate it was shown.
fn failure(error: &rustls::Error) -> TlsFailure {
    match error {
        rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            // A signature that is not by the authority of that name.
            | AlertDescription::DecryptError,
        ) => TlsFailure::CertificateRefused,
        _ => TlsFailure::Broken,
    }
}

/// The TLS of one connection.
pub(in crate::reactor) struct Session {
    connection: UnbufferedServerConnection,
    /// The beginning of a record whose end has not come.
    partial: Vec<u8>,
    /// Sealed bytes that the socket has not taken.
    pending: Vec<u8>,
    state: State,
    /// Records of an open session that have said nothing, less those that have said something.
    barren_records: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Open,
    /// Our close_notify was sealed: nothing may follow, not even an alert about what the peer sends. Nothing of that is looked at any more, as in the next.
    Shut,
    Failed,
}

/// What became of sealed bytes.
#[derive(Debug, Default)]
pub(in crate::reactor) struct Opened {
    /// The handshake has ended with them.
    pub(in crate::reactor) secured: Option<TlsFacts>,
    /// The peer's close_notify has come.
    pub(in crate::reactor) is_end: bool,
    /// They end TLS; where they break it, an alert waits to be written.
    pub(in crate::reactor) failure: Option<TlsFailure>,
}

/// The session can seal nothing more.
#[derive(Debug)]
pub(in crate::reactor) struct Exhausted;

impl Session {
    pub(super) fn new(config: Arc<ServerConfig>) -> Option<Session> {
        Some(Session {
            connection: UnbufferedServerConnection::new(config).ok()?,
            partial: Vec::new(),
            pending: Vec::new(),
            state: State::Handshake,
            barren_records: 0,
        })
    }

    /// The client's own certificate in DER, once the handshake is done.
    pub(in crate::reactor) fn client_certificate(&self) -> Option<&[u8]> {
        let chain = self.connection.peer_certificates()?;
        chain.first().map(AsRef::as_ref)
    }

    /// Sealed bytes that wait for the socket.
    pub(in crate::reactor) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Sealed bytes of the peer that are kept until the rest has come.
    #[cfg(feature = "simulation")]
    pub(super) fn partial(&self) -> usize {
        self.partial.len()
    }

    /// Takes what the socket gave and appends what it says to `plain`.
    pub(in crate::reactor) fn open(&mut self, sealed: &mut [u8], plain: &mut Vec<u8>) -> Opened {
        let mut opened = Opened::default();
        if matches!(self.state, State::Shut | State::Failed) {
            return opened;
        }
        if self.partial.is_empty() {
            let taken = self.process(sealed, plain, &mut opened);
            self.partial = sealed.get(taken..).unwrap_or_default().to_vec();
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(sealed);
            if first_record(&joined).is_some() {
                let taken = self.process(&mut joined, plain, &mut opened);
                joined = joined.get(taken..).unwrap_or_default().to_vec();
            }
            self.partial = joined;
        }
        if self.state == State::Handshake && !self.connection.is_handshaking() {
            self.state = State::Open;
            opened.secured = self.facts();
        }
        // Messages after the handshake are small: only one who means harm leaves this much unfinished.
        let is_hoarding = self.state != State::Handshake && self.partial.len() > PARTIAL_BYTES_MAX;
        if is_hoarding {
            opened.failure = Some(TlsFailure::Broken);
        }
        if opened.failure.is_some() {
            self.state = State::Failed;
            self.partial = Vec::new();
        }
        opened
    }

    /// Goes through the records at the front of `sealed`; gives how many bytes are done with.
    fn process(&mut self, sealed: &mut [u8], plain: &mut Vec<u8>, opened: &mut Opened) -> usize {
        let mut taken = 0;
        let (records, mut saying) = (whole_records(sealed), 0);
        loop {
            let rest = sealed.get_mut(taken..).unwrap_or_default();
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(rest);
            taken += discard;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        saying += usize::from(!record.payload.is_empty());
                        plain.extend_from_slice(record.payload);
                        taken += record.discard;
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.pending),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => {
                    self.note_barren(records, saying, opened);
                    return taken;
                }
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    opened.is_end = true;
                    return sealed.len();
                }
                // No early data is ever allowed, and no other state is known.
                Ok(_) => opened.failure = Some(TlsFailure::Broken),
                Err(error) => {
                    log::debug!("TLS: {error}");
                    opened.failure = Some(failure(&error));
                    let rest = sealed.get_mut(taken..).unwrap_or_default();
                    self.queue_alert(rest);
                }
            }
            if opened.failure.is_some() {
                return sealed.len();
            }
        }
    }

    /// Of so many records so many said something. Too many that do not end the session, also those that came together with the last of the handshake.
    fn note_barren(&mut self, records: usize, saying: usize, opened: &mut Opened) {
        if !self.connection.is_handshaking() {
            self.barren_records = (self.barren_records + records).saturating_sub(2 * saying);
            if self.barren_records > BARREN_RECORDS_MAX {
                opened.failure = Some(TlsFailure::Broken);
            }
        }
    }

    /// What the library has to say about its error. It must be given the same bytes again, since it remembers places in
    /// them, and be asked only while it has something to say: else it would come upon the error anew.
    fn queue_alert(&mut self, rest: &mut [u8]) {
        while self.connection.wants_write() {
            match self.connection.process_tls_records(rest).state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.pending),
                _ => return,
            }
        }
    }

    /// Moves what waits into `sealed`, which it replaces, and seals from the front of `slices` as much as may go ahead
    /// of the socket; gives how many plain bytes that were. `gathered` is room to work in.
    pub(in crate::reactor) fn seal(
        &mut self,
        slices: &[IoSlice<'_>],
        gathered: &mut Vec<u8>,
        sealed: &mut Vec<u8>,
    ) -> Result<usize, Exhausted> {
        sealed.clear();
        sealed.append(&mut self.pending);
        let room = SEALED_BYTES_MAX.saturating_sub(sealed.len());
        if self.state != State::Open || slices.is_empty() || room == 0 {
            return Ok(0);
        }
        let plain = gather(slices, room, gathered);
        let traffic = self.traffic(sealed).ok_or(Exhausted)?;
        append(
            sealed,
            plain.len() + RECORDS_OVERHEAD,
            traffic,
            |traffic, out| traffic.encrypt(plain, out),
        )?;
        Ok(plain.len())
    }

    /// Keeps what the socket did not take.
    pub(in crate::reactor) fn keep(&mut self, sealed: &[u8]) {
        self.pending = sealed.to_vec();
    }

    /// Seals a close_notify behind what waits, if the session is such that one can be sent.
    pub(in crate::reactor) fn say_goodbye(&mut self) {
        if self.state != State::Open {
            return;
        }
        self.state = State::Shut;
        let mut sealed = std::mem::take(&mut self.pending);
        if let Some(traffic) = self.traffic(&mut sealed) {
            // A session that can not seal even this ends without.
            let _ = append(&mut sealed, RECORDS_OVERHEAD, traffic, |traffic, out| {
                traffic.queue_close_notify(out)
            });
        }
        self.pending = sealed;
    }

    /// The state in which bytes can be sealed; what the library says on its own goes to `sealed` before.
    fn traffic(&mut self, sealed: &mut Vec<u8>) -> Option<WriteTraffic<'_, ServerConnectionData>> {
        for _ in 0..STEPS_MAX {
            let status = self.connection.process_tls_records(&mut self.partial);
            match status.state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, sealed),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                _ => break,
            }
        }
        match self.connection.process_tls_records(&mut self.partial).state {
            Ok(ConnectionState::WriteTraffic(traffic)) => Some(traffic),
            _ => None,
        }
    }

    fn facts(&self) -> Option<TlsFacts> {
        let version = match self.connection.protocol_version()? {
            ProtocolVersion::TLSv1_3 => TlsVersion::Tls13,
            _ => TlsVersion::Tls12,
        };
        let group = self.connection.negotiated_key_exchange_group();
        Some(TlsFacts {
            version,
            group: group.map(|group| group_name(group.name())),
            is_resumed: self.connection.handshake_kind() == Some(HandshakeKind::Resumed),
        })
    }
}

/// Bytes of the record that stands whole at the front.
fn first_record(sealed: &[u8]) -> Option<usize> {
    const HEADER: usize = 5;
    let length = sealed.get(3..HEADER)?.first_chunk()?;
    let bytes = HEADER + usize::from(u16::from_be_bytes(*length));
    (bytes <= sealed.len()).then_some(bytes)
}

fn whole_records(sealed: &[u8]) -> usize {
    let mut rest = sealed;
    let mut count = 0;
    while let Some(bytes) = first_record(rest) {
        count += 1;
        rest = rest.get(bytes..).unwrap_or_default();
    }
    count
}

/// The first bytes of `slices`, at most `most`, in one piece: one record costs less than one for each slice.
fn gather<'a>(slices: &'a [IoSlice<'_>], most: usize, gathered: &'a mut Vec<u8>) -> &'a [u8] {
    if let [first, rest @ ..] = slices
        && (rest.is_empty() || first.len() >= most)
    {
        return first.get(..most).unwrap_or(first);
    }
    gathered.clear();
    for slice in slices {
        let room = most - gathered.len();
        gathered.extend_from_slice(slice.get(..room).unwrap_or(slice));
    }
    gathered
}

/// Appends what a call of the library seals, making the room that it asks for.
fn append(
    sealed: &mut Vec<u8>,
    guess: usize,
    mut traffic: WriteTraffic<'_, ServerConnectionData>,
    mut seal: impl FnMut(
        &mut WriteTraffic<'_, ServerConnectionData>,
        &mut [u8],
    ) -> Result<usize, EncryptError>,
) -> Result<(), Exhausted> {
    let start = sealed.len();
    let mut room = guess;
    for _ in 0..2 {
        sealed.resize(start + room, 0);
        match seal(&mut traffic, sealed.get_mut(start..).unwrap_or_default()) {
            Ok(length) => {
                sealed.truncate(start + length);
                return Ok(());
            }
            Err(EncryptError::InsufficientSize(error)) => room = error.required_size,
            Err(EncryptError::EncryptExhausted) => break,
        }
    }
    sealed.truncate(start);
    Err(Exhausted)
}

fn encode(mut data: EncodeTlsData<'_, ServerConnectionData>, sealed: &mut Vec<u8>) {
    let start = sealed.len();
    if let Err(EncodeError::InsufficientSize(error)) = data.encode(&mut []) {
        sealed.resize(start + error.required_size, 0);
        // The room is what it asked for.
        let _ = data.encode(sealed.get_mut(start..).unwrap_or_default());
    }
}

/// The name of the registry; for groups that the provider does not offer it would be another.
fn group_name(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::X25519MLKEM768 => "X25519MLKEM768",
        NamedGroup::X25519 => "x25519",
        NamedGroup::secp256r1 => "secp256r1",
        NamedGroup::secp384r1 => "secp384r1",
        _ => "other",
    }
}
