//! Limits that are on, and too high to bite.

/// The lines of `[limits]` that every benchmark's server has: each bucket is full of more than any row takes.
pub fn roomy() -> String {
    const RATES: [&str; 10] = [
        "commands_per_user",
        "messages_per_user",
        "messages_per_connection",
        "messages_per_address",
        "bytes_per_connection",
        "bytes_per_address",
        "control_frames_per_connection",
        "glitches_per_connection",
        "frames_per_connection",
        "handshakes_per_address",
    ];
    let rates = RATES.map(|name| format!("{name} = {{ burst = 1000000000, per = \"1s\" }}\n"));
    format!(
        "connections_max = 15000
connections_per_user = 15000
connections_per_address = 15000
outbound_bytes_per_connection_max = 16777216
outbound_bytes_max = 1073741824
{}",
        rates.concat()
    )
}
