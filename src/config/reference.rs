//! The settings table for people: the part of `docs/configuration.md` that is generated.

use std::fmt::Write as _;

use super::Config;
use super::settings::{SETTINGS, Setting};

/// The reference of all settings as Markdown: for each section a table of key, type, default, unit, range and
/// reason.
pub fn reference() -> String {
    let mut config = Config::default();
    let mut text = String::new();
    let mut section = None;
    for setting in SETTINGS {
        let (place, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
        if section != Some(place) {
            section = Some(place);
            text.push_str(&heading(place));
        }
        text.push_str(&row(setting, name, &mut config));
    }
    text
}

fn heading(section: &str) -> String {
    let heading = match section {
        "" => "At the top, ahead of all sections".to_owned(),
        section => format!("`[{section}]`"),
    };
    format!(
        "\n### {heading}\n\n\
         | Key | Type | Default | Unit | Allowed | What for, and what happens at the bound | Takes a |\n\
         |---|---|---|---|---|---|---|\n"
    )
}

fn row(setting: &Setting, name: &str, config: &mut Config) -> String {
    let form = &setting.form;
    let default = match form.show(config) {
        text if text == "not set" => text,
        text => format!("`{text}`"),
    };
    let mut row = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        row,
        "| `{name}` | {} | {default} | {} | {} | {} | {} |",
        form.toml_type(),
        form.unit(),
        cell(&form.allowed()),
        cell(setting.reason),
        setting.change.text()
    );
    row
}

/// `text` with what Markdown would take for the end of a cell, or for emphasis, escaped.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::*;

    const BEGIN: &str = "<!-- begin: generated from src/config/settings.rs -->\n";
    const END: &str = "\n<!-- end -->";

    fn path() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")
    }

    #[test]
    fn the_documentation_is_what_the_table_generates() {
        let document = std::fs::read_to_string(path()).unwrap();
        let (before, rest) = document.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let expected = format!("{before}{BEGIN}{}{END}{after}", reference());
        if std::env::var_os("WARDROOM_BLESS").is_some() {
            std::fs::write(path(), &expected).unwrap();
        } else {
            assert!(
                document == expected,
                "docs/configuration.md is stale: run this test with WARDROOM_BLESS=1"
            );
        }
    }

    #[test]
    fn the_example_in_the_documentation_has_every_section_and_loads() {
        let document = std::fs::read_to_string(path()).unwrap();
        let example = document
            .split("```toml\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("wardroom.toml");
        std::fs::write(&file, example).unwrap();
        super::super::tests::write_secret(&directory.path().join("secret"));
        let none: [(OsString, OsString); 0] = [];
        let loaded = Config::load(Some(&file), &[], none)
            .map_err(|errors| format!("{errors:#?}"))
            .unwrap();
        for section in [
            "listen",
            "proxy",
            "origins",
            "auth",
            "limits",
            "deadlines",
            "drain",
            "turn",
            "rooms",
            "echo",
            "store",
            "log",
            "process",
        ] {
            assert!(
                example.contains(&format!("[{section}")),
                "{section} is missing in the example"
            );
        }
        assert_eq!(loaded.config.auth.keys.len(), 1);
    }
}
