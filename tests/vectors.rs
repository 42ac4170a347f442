//! Cases that others have collected, in `tests/vectors`, through the server's own readers: `docs/json.md` and `docs/http.md` say why each
//! verdict is what it is.

#[path = "vectors/http.rs"]
mod http;
#[path = "vectors/json.rs"]
mod json;
#[path = "vectors/read.rs"]
mod read;
