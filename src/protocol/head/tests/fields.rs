//! Field lines that are refused, case by case.

use super::*;

#[test]
fn a_line_that_is_no_field_is_refused() {
    let lines = [
        "X-A : b\r\n",
        "X-A\t: b\r\n",
        "X-A b\r\n",
        ": b\r\n",
        "X A: b\r\n",
        "X(A: b\r\n",
        "X@A: b\r\n",
        "X\0A: b\r\n",
        "X\x01A: b\r\n",
        "X\u{e9}A: b\r\n",
        "X\x7fA: b\r\n",
        "X\x0bA: b\r\n",
        " X-A: b\r\n",
        "\tX-A: b\r\n",
        "X-A: a\0b\r\n",
        "X-A: a\x01b\r\n",
        "X-A: a\x7fb\r\n",
        "X-A: a\x0bb\r\n",
        "X-A: \x1b[31m\r\n",
        "X-A: a\rb\r\n",
        "X-A: a\rX-B: b\r\n",
        "X-A: a\0\rb\r\n",
        "X-A: a\r\r\n",
        "X-A: a\r\n b\r\n",
        "X-A: a\r\n\tb\r\n",
        "Upgrade:\r\n websocket\r\n",
        "X-A: a\r\n \r\n",
        "X-A\r\n: b\r\n",
    ];
    for lines in lines {
        all_are(400, &[(lines, with_lines(lines))]);
    }
    all_are(
        400,
        &[(
            "white space before the first field",
            b"GET / HTTP/1.1\r\n Host: a\r\n\r\n".to_vec(),
        )],
    );
}

#[test]
fn a_head_that_could_be_framed_in_two_ways_is_refused() {
    let lines = [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\ncontent-length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5,\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 5.0\r\n",
        "Content-Length: \r\n",
        "Content-Length: \u{0665}\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length : 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding: identity\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Expect: 100-continue\r\n",
        "Expect: x\r\n",
    ];
    for lines in lines {
        all_are(400, &[(lines, with_lines(lines))]);
    }
}
