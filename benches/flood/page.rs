//! The part of a document that is made anew, between two marks. Touches no file.

const BEGIN: &str = "<!-- made by the benchmark: begin -->\n";
const END: &str = "<!-- made by the benchmark: end -->";

/// `page` with `part` between its marks; `None` when it has none.
pub fn renewed(page: &str, part: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n\n{END}{after}", part.trim()))
}

/// A Markdown table.
pub fn table(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let Some((head, rest)) = rows.split_first() else {
        return String::new();
    };
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rest: String = rest.iter().map(line).collect();
    format!("{}{rule}{rest}", line(head))
}
