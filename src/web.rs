//! The web page: its files, as they are sent, and the fields that keep a browser strict about them.
//!
//! It must not know a request, and nothing here changes at run time: what is served is what was compiled in.

/// One file of the page.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// The request path that names it, from the first `/`.
    pub path: &'static str,
    /// The value of Content-Type.
    pub content_type: &'static str,
    /// The body, whole.
    pub bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! asset {
    ($path:literal, $content_type:expr, $file:literal) => {
        Asset {
            path: $path,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../web/", $file)),
        }
    };
}

/// Every file of the page; the first is the page itself.
pub static ASSETS: &[Asset] = &[
    asset!("/", HTML, "index.html"),
    asset!("/actions.js", JAVASCRIPT, "actions.js"),
    asset!("/announcer.js", JAVASCRIPT, "announcer.js"),
    asset!("/app.js", JAVASCRIPT, "app.js"),
    asset!("/ask.js", JAVASCRIPT, "ask.js"),
    asset!("/banner.js", JAVASCRIPT, "banner.js"),
    asset!("/base.css", CSS, "base.css"),
    asset!("/composer.js", JAVASCRIPT, "composer.js"),
    asset!("/connection.js", JAVASCRIPT, "connection.js"),
    asset!("/conversation.js", JAVASCRIPT, "conversation.js"),
    asset!("/deeds.js", JAVASCRIPT, "deeds.js"),
    asset!("/dom.js", JAVASCRIPT, "dom.js"),
    asset!("/doorway.js", JAVASCRIPT, "doorway.js"),
    asset!("/expiry.js", JAVASCRIPT, "expiry.js"),
    asset!("/favicon.svg", SVG, "favicon.svg"),
    asset!("/kept.js", JAVASCRIPT, "kept.js"),
    asset!("/layout.css", CSS, "layout.css"),
    asset!("/links.js", JAVASCRIPT, "links.js"),
    asset!("/list.js", JAVASCRIPT, "list.js"),
    asset!("/log.js", JAVASCRIPT, "log.js"),
    asset!("/menu.js", JAVASCRIPT, "menu.js"),
    asset!("/messages.css", CSS, "messages.css"),
    asset!("/moderate.js", JAVASCRIPT, "moderate.js"),
    asset!("/outgoing.js", JAVASCRIPT, "outgoing.js"),
    asset!("/panels.js", JAVASCRIPT, "panels.js"),
    asset!("/past.js", JAVASCRIPT, "past.js"),
    asset!("/people.js", JAVASCRIPT, "people.js"),
    asset!("/refusals.js", JAVASCRIPT, "refusals.js"),
    asset!("/room.js", JAVASCRIPT, "room.js"),
    asset!("/roomform.js", JAVASCRIPT, "roomform.js"),
    asset!("/rooms.css", CSS, "rooms.css"),
    asset!("/rooms.js", JAVASCRIPT, "rooms.js"),
    asset!("/roving.js", JAVASCRIPT, "roving.js"),
    asset!("/rows.js", JAVASCRIPT, "rows.js"),
    asset!("/session.js", JAVASCRIPT, "session.js"),
    asset!("/signin.js", JAVASCRIPT, "signin.js"),
    asset!("/state.js", JAVASCRIPT, "state.js"),
    asset!("/storage.js", JAVASCRIPT, "storage.js"),
    asset!("/text.js", JAVASCRIPT, "text.js"),
    asset!("/theme.js", JAVASCRIPT, "theme.js"),
    asset!("/timeline.js", JAVASCRIPT, "timeline.js"),
    asset!("/when.js", JAVASCRIPT, "when.js"),
];

/// Fields of every answer that carries an [`Asset`].
///
/// In `connect-src`, `'self'` covers `ws:` and `wss:` of the same host and port (CSP Level 3 §6.7.2.8).
/// `no-cache` lets a browser keep the files but ask each time, so that a new binary never meets an old page.
pub const FIELDS: &[(&str, &str)] = &[
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cache-Control", "no-cache"),
];

/// The file at a request path (without query); `None`: there is none.
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{ASSETS, Asset, FIELDS, find};

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
    }

    fn text(asset: &Asset) -> &'static str {
        std::str::from_utf8(asset.bytes).unwrap()
    }

    #[test]
    fn every_file_of_the_page_is_served_and_nothing_else() {
        let files: BTreeSet<String> = std::fs::read_dir(folder())
            .unwrap()
            .map(|entry| format!("/{}", entry.unwrap().file_name().to_str().unwrap()))
            .map(|path| path.replace("/index.html", "/"))
            .collect();
        let served: BTreeSet<String> = ASSETS.iter().map(|asset| asset.path.to_owned()).collect();
        assert_eq!(files, served);
        assert_eq!(served.len(), ASSETS.len(), "no path twice");
    }

    #[test]
    fn a_path_finds_its_own_file_and_only_whole() {
        assert!(find("/").unwrap().content_type.starts_with("text/html"));
        assert!(text(find("/app.js").unwrap()).contains("import"));
        for path in [
            "",
            "/app",
            "/app.js/",
            "/index.html",
            "/../Cargo.toml",
            "/APP.JS",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn the_content_type_is_that_of_the_name() {
        for asset in ASSETS {
            let expected = match asset.path.rsplit('.').next().unwrap() {
                "/" => "text/html; charset=utf-8",
                "css" => "text/css; charset=utf-8",
                "js" => "text/javascript; charset=utf-8",
                "svg" => "image/svg+xml",
                other => panic!("no content type for {other}"),
            };
            assert_eq!(asset.content_type, expected, "{}", asset.path);
        }
    }

    #[test]
    fn the_whole_page_is_small() {
        let bytes: usize = ASSETS.iter().map(|asset| asset.bytes.len()).sum();
        assert!(bytes <= 224 * 1024, "{bytes} bytes");
    }

    #[test]
    fn no_file_names_another_origin() {
        const SVG_NAMESPACE: &str = "xmlns=\"http://www.w3.org/2000/svg\"";
        for asset in ASSETS {
            let text = text(asset).replace(SVG_NAMESPACE, "");
            for scheme in [
                "http://", "https://", "ws://", "wss://", "\"//", "'//", "url(", "@import",
            ] {
                assert!(!text.contains(scheme), "{} has {scheme}", asset.path);
            }
        }
    }

    #[test]
    fn no_markup_carries_script_or_style_of_its_own() {
        for asset in ASSETS
            .iter()
            .filter(|asset| matches!(asset.path, "/" | "/favicon.svg"))
        {
            for attribute in text(asset).split_whitespace() {
                let name = attribute.split('=').next().unwrap().to_ascii_lowercase();
                let is_handler = attribute.contains('=') && name.starts_with("on");
                assert!(
                    !is_handler && name != "style",
                    "{} has {attribute}",
                    asset.path
                );
            }
            assert!(!text(asset).contains("<style"), "{}", asset.path);
            assert!(!text(asset).contains("javascript:"), "{}", asset.path);
            for script in text(asset).split("<script").skip(1) {
                assert!(
                    script.contains("></script>"),
                    "{} has an inline script",
                    asset.path
                );
            }
        }
    }

    #[test]
    fn no_script_turns_text_into_markup_or_code() {
        const SINKS: [&str; 8] = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "eval(",
            "new Function",
            "setAttribute(\"on",
        ];
        for asset in ASSETS.iter().filter(|asset| asset.path.ends_with(".js")) {
            for sink in SINKS {
                assert!(!text(asset).contains(sink), "{} has {sink}", asset.path);
            }
        }
    }

    #[test]
    fn the_policy_allows_nothing_but_the_page_itself() {
        let policy = FIELDS
            .iter()
            .find(|(name, _)| *name == "Content-Security-Policy")
            .unwrap()
            .1;
        assert!(policy.starts_with("default-src 'none';"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert!(policy.ends_with("require-trusted-types-for 'script'; trusted-types 'none'"));
        for loose in ["unsafe", "*", "data:", "blob:", "http", "  "] {
            assert!(!policy.contains(loose), "the policy has {loose:?}");
        }
    }
}
