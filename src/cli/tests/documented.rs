//! The commands that the documents tell people to type.

use std::path::PathBuf;

use super::*;

/// What a shell would make one command's words of: quotes keep spaces together; a comment, a redirection, a pipe or the
/// end of a substitution ends it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for char in line.chars().chain([' ']) {
        match (char, quote) {
            ('"' | '\'', None) => quote = Some(char),
            (_, Some(open)) if char == open => quote = None,
            (')', None) => break,
            (' ', None) if ["2>", ">", "|", "&", ";"].contains(&word.as_str()) => return words,
            (' ', None) if word.starts_with('#') => return words,
            (' ', None) if word.is_empty() => {}
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(char),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The arguments of `wardroom` on a line of a block of code, if it is one that calls it; `ask` does where the block says so.
fn arguments(line: &str, block: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ");
    let call = line
        .split_once("$(wardroom ")
        .map(|(_, call)| call)
        .or_else(|| line.strip_prefix("sudo -u wardroom wardroom "))
        .or_else(|| line.strip_prefix("wardroom "))
        .or_else(|| {
            line.strip_prefix("ask ")
                .filter(|_| block.contains("wardroom \"$@\""))
        })?;
    Some([vec!["wardroom".to_owned()], words(call)].concat())
}

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
}

#[test]
fn every_command_in_a_document_may_be_typed_as_it_stands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md")];
    documents(&root.join("docs"), &mut found);
    let mut commands = 0;
    for document in found {
        let text = fs::read_to_string(&document).unwrap();
        let blocks = text.split("```").skip(1).step_by(2);
        for block in
            blocks.filter(|block| block.starts_with("sh\n") || block.starts_with("console\n"))
        {
            for line in block.replace("\\\n", " ").lines() {
                if let Some(arguments) = arguments(line, block) {
                    let parsed = Arguments::try_parse_from(&arguments);
                    assert!(
                        parsed.is_ok(),
                        "{}: {line}: {}",
                        document.display(),
                        parsed.unwrap_err()
                    );
                    commands += 1;
                }
            }
        }
    }
    assert!(commands >= 25, "{commands} commands were found");
}
