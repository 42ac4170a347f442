//! Where a report goes: the target directory always, the repository's documents when asked.

use std::fs;
use std::path::{Path, PathBuf};

use crate::attacks::EVERYTHING;
use crate::page;
use crate::plot;
use crate::report::{Block, Cell, NO_TOKENS, Report, milliseconds, times};
use crate::shared::failure::{Doing, Failure};
use crate::shared::machine::target_directory;

/// # Errors
/// When something can not be written, or the document has lost its marks.
pub fn keep(report: &Report, in_repository: bool) -> Result<(), Failure> {
    let directory = target_directory()?.join("bench");
    fs::create_dir_all(&directory).doing("making a directory for the report")?;
    write(report, &directory.join("flood"))?;
    if !in_repository {
        return Ok(());
    }
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let date = report.date.split('T').next().unwrap_or_default();
    let name = format!("flood-{date}");
    write(report, &documents.join("results").join(&name))?;
    renew(&documents.join("flood.md"), &part(report, &name))?;
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    renew(&readme, &short_part(report, &name))
}

/// Puts `part` between the marks of a document.
fn renew(path: &Path, part: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(path).doing(format!("reading {}", path.display()))?;
    let renewed = page::renewed(&text, part)
        .ok_or_else(|| Failure::Wrong(format!("{} has lost its marks", path.display())))?;
    fs::write(path, renewed).doing(format!("writing {}", path.display()))
}

/// Three files of this name.
fn write(report: &Report, name: &Path) -> Result<(), Failure> {
    let json = serde_json::to_string(report);
    let json = json.map_err(|error| Failure::Wrong(error.to_string()))?;
    let files = [
        ("txt", report.text()),
        ("json", json + "\n"),
        ("svg", plot::svg(report)),
    ];
    for (ending, text) in files {
        let path: PathBuf = name.with_extension(ending);
        fs::write(&path, text).doing(format!("writing {}", path.display()))?;
        eprintln!("{}", path.display());
    }
    Ok(())
}

/// What docs/flood.md says of it.
fn part(report: &Report, name: &str) -> String {
    let versions: Vec<String> = report
        .servers
        .iter()
        .map(|server| format!("{} ({})", server.name, server.version))
        .collect();
    format!(
        "{}, {} cores, {}, {}; load average before: {}; {} s of calm and {} s of attack for each cell.\n\n\
         {}.\n\n\
         All figures of this run: [as text](results/{name}.txt), [as JSON](results/{name}.json).\n\n\
         ![Round trips of honest people over time, one panel for each attack](results/{name}.svg)\n\n\
         **What people in the room felt**: 99 % of round trips in ms, calm → under attack.\n\n{}\n\
         **Newcomers** who got in within two seconds: from elsewhere, and from the attackers' own /24.\n\n{}\n\
         **Memory** of the server in MiB before the attack, and at most in it.\n\n{}",
        report.cpu,
        report.cores,
        report.kernel,
        report.date,
        report.load_average_before,
        report.seconds,
        report.seconds,
        versions.join("; "),
        matrix(report, report.attacks.iter(), felt),
        matrix(report, report.attacks.iter(), newcomers),
        matrix(report, report.attacks.iter(), memory),
    )
}

/// What the README says of it: without attacks that everybody stands in these few seconds.
fn short_part(report: &Report, name: &str) -> String {
    const SHOWN: [&str; 6] = [
        "message-flood",
        "slow-readers",
        "endless-fragments",
        "bad-tokens",
        "connect-churn",
        EVERYTHING,
    ];
    let shown = |block: &&Block| SHOWN.contains(&block.attack);
    format!(
        "{}\nOne run of {} ([all of it](docs/results/{name}.txt)).",
        matrix(report, report.attacks.iter().filter(shown), felt),
        report.date.split('T').next().unwrap_or_default(),
    )
}

/// A row for each attack, a column for each server.
fn matrix<'a>(
    report: &Report,
    blocks: impl Iterator<Item = &'a Block>,
    show: fn(&Cell) -> String,
) -> String {
    let names = report.servers.iter().map(|server| server.name.to_owned());
    let head = std::iter::once("attack".to_owned()).chain(names).collect();
    let row = |block: &Block| {
        let cells = block.cells.iter().map(|cell| match &cell.not {
            Some(why) if why == NO_TOKENS => "–".to_owned(),
            Some(why) => why.replace('|', "/"),
            None => show(cell),
        });
        std::iter::once(format!("`{}`", block.attack))
            .chain(cells)
            .collect()
    };
    let mut rows: Vec<Vec<String>> = vec![head];
    rows.extend(blocks.map(row));
    page::table(&rows)
}

fn felt(cell: &Cell) -> String {
    let Some(measured) = &cell.measured else {
        return String::new();
    };
    let (calm, attack) = (&measured.calm, &measured.attack);
    let mut text = format!(
        "{} → {}",
        milliseconds(calm.round_trip.p99, "never"),
        milliseconds(attack.round_trip.p99, "never")
    );
    let times = times(calm, attack);
    if times != "-" {
        text.push_str(&format!(" ({times})"));
    }
    if attack.failed > 0 {
        text.push_str(&format!(
            ", **{:.0} % failed**",
            attack.failed_percent().max(1.0)
        ));
    }
    if !measured.has_outlived {
        text.push_str(", **it ended**");
    }
    text
}

fn newcomers(cell: &Cell) -> String {
    cell.measured.as_ref().map_or_else(String::new, |measured| {
        let attack = &measured.attack;
        format!(
            "{:.0} %, {:.0} %",
            attack.newcomers.percent(),
            attack.neighbours.percent()
        )
    })
}

fn memory(cell: &Cell) -> String {
    cell.measured.as_ref().map_or_else(String::new, |measured| {
        let [calm, peak] = measured
            .resident
            .map(|bytes| bytes as f64 / f64::from(1 << 20));
        format!("{calm:.0} → {peak:.0}")
    })
}
