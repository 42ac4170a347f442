//! A client's bytes, legal or not: for those who test and attack this server.

/// A request to open `path` with more field lines, each ending in CRLF.
pub fn upgrade_request(path: &str, fields: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    )
}

/// A frame with this first byte (FIN, RSV, opcode), masked as RFC 6455 §5.3 asks of a client.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = frame(first, payload.len() as u64, true);
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}

/// A whole text message in one frame.
pub fn text(message: &str) -> Vec<u8> {
    masked(0x81, message.as_bytes())
}

/// A header alone, up to where the mask would stand; it may promise a payload that never comes.
pub fn frame(first: u8, payload_bytes: u64, mask_bit: bool) -> Vec<u8> {
    let mask = if mask_bit { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload_bytes {
        0..=125 => bytes.push(mask | payload_bytes as u8),
        126..=0xFFFF => {
            bytes.push(mask | 126);
            bytes.extend_from_slice(&(payload_bytes as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend_from_slice(&payload_bytes.to_be_bytes());
        }
    }
    bytes
}
