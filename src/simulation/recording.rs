//! What clients of the tests really send, kept as inputs for the fuzz targets: in the folder that `WARDROOM_RECORD` names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::reference::frames::{Event, decode};
use super::reference::requests::Request;
use super::reference::{heads, requests};

/// The longest input that a fuzz target is given.
const INPUT_BYTES_MAX: usize = 2048;
/// Of a connection no more is kept: what comes later is more of the same.
const SENT_BYTES_MAX: usize = 64 * 1024;

/// The bytes that one client has sent; filed when it goes, if anybody wants to have them.
#[derive(Debug, Default)]
pub struct Recording {
    sent: Vec<u8>,
}

impl Recording {
    /// Takes note of bytes that are sent.
    pub fn note(&mut self, bytes: &[u8]) {
        if folder().is_some() && self.sent.len() < SENT_BYTES_MAX {
            self.sent.extend_from_slice(bytes);
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(folder) = folder() {
            file(folder, &self.sent);
        }
    }
}

fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let wanted = || std::env::var_os("WARDROOM_RECORD").map(PathBuf::from);
    FOLDER.get_or_init(wanted).as_deref()
}

/// Files the heads of a connection, what stands in them, and the frames that follow.
fn file(folder: &Path, sent: &[u8]) {
    let mut rest = sent;
    if rest.starts_with(b"PROXY ") || rest.starts_with(b"\r\n\r\n\0") {
        keep(folder, "forwarded", &[&[2, 0, 0, 0], rest]);
        return;
    }
    while let Ok(Some(end)) = heads::end(rest, usize::MAX) {
        let (head, after) = rest.split_at(end);
        keep(folder, "upgrade", &[&[3, 0], head]);
        let Ok(request) = requests::read(head, usize::MAX) else {
            return;
        };
        file_fields(folder, &request);
        if request.has("upgrade", "websocket") {
            return file_frames(folder, after);
        }
        let body = usize::try_from(request.content_length).unwrap_or(usize::MAX);
        let (body, after) = after.split_at(body.min(after.len()));
        keep(folder, "json", &[body]);
        rest = after;
    }
}

fn file_fields(folder: &Path, request: &Request) {
    let value = |name: &str| request.values(name).first().copied().unwrap_or_default();
    let credentials: [(&[u8], &[u8]); 3] = [
        (b"A", value("authorization")),
        (b"\nC", value("cookie")),
        (
            b"\nQ",
            request.query.as_deref().unwrap_or_default().as_bytes(),
        ),
    ];
    let mut lines: Vec<u8> = credentials
        .map(|(letter, value)| [letter, value].concat())
        .concat();
    for name in request.members("sec-websocket-protocol") {
        lines.extend(b"\nP");
        lines.extend(name.bytes());
    }
    keep(folder, "token", &[&[3, 0, 0], &lines]);
    if let Some(token) = value("authorization").strip_prefix(b"Bearer ") {
        keep(folder, "token", &[&[0, 1, 0], token]);
    }
    let page = [&b"O"[..], value("origin"), b"\nS", value("sec-fetch-site")].concat();
    keep(folder, "origin", &[&[0], &page]);
    keep(folder, "forwarded", &[&[0, 0], value("x-forwarded-for")]);
    keep(folder, "forwarded", &[&[0, 1], value("forwarded")]);
}

fn file_frames(folder: &Path, frames: &[u8]) {
    keep(folder, "frame", &[&[3, 0], frames]);
    for event in decode(frames, INPUT_BYTES_MAX).events {
        if let Event::Text(text) = event {
            keep(folder, "json", &[&text]);
        }
    }
}

/// Once each; what is too long is of no use.
fn keep(folder: &Path, target: &str, parts: &[&[u8]]) {
    let input = parts.concat();
    if input.len() > INPUT_BYTES_MAX {
        return;
    }
    let sum = input.iter().fold(0xCBF2_9CE4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let folder = folder.join(target);
    let path = folder.join(format!("{sum:016x}"));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &input));
    kept.expect("WARDROOM_RECORD names a folder that can be written to");
}
