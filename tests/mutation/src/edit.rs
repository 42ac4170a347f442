//! Puts every mutant of a file into the file, each behind a switch of its own.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned;
use syn::visit::Visit;

use crate::list::Mutant;

/// What takes the place of an expression, or stands before it.
#[derive(Default)]
struct Edit {
    /// Whole texts, each with the number of its mutant.
    instead: Vec<(u32, String)>,
    /// Before the text that stands there, after it.
    before: String,
    after: String,
}

/// A file with its mutants in it.
pub struct Edited {
    pub text: String,
    /// Those that no switch could be made for.
    pub left_out: BTreeSet<u32>,
    /// Those that no compiler takes: `||` beside a `let`.
    pub no_program: BTreeSet<u32>,
}

impl Edited {
    pub fn unchanged(source: &str) -> Self {
        Edited {
            text: source.to_owned(),
            left_out: BTreeSet::new(),
            no_program: BTreeSet::new(),
        }
    }
}

/// `constant` names functions that have to stay `const`: nothing in them can ask for a switch.
pub fn edit(source: &str, mutants: &[&Mutant], constant: &BTreeSet<String>) -> Edited {
    let file = syn::parse_file(source).expect("the sources are Rust");
    let mut finder = Finder {
        lines: Lines::new(source),
        source,
        mutants: BTreeMap::new(),
        edits: BTreeMap::new(),
        removed: Vec::new(),
        placed: BTreeSet::new(),
        no_program: BTreeSet::new(),
        constant,
    };
    for mutant in mutants {
        let place = (mutant.span.start.line, mutant.span.start.column - 1);
        let all = finder.mutants.entry(place).or_default();
        all.push(mutant);
    }
    finder.visit_file(&file);
    let left_out = mutants
        .iter()
        .map(|mutant| mutant.number)
        .filter(|number| !finder.placed.contains(number) && !finder.no_program.contains(number))
        .collect();
    Edited {
        text: finder.render(0, source.len(), None),
        left_out,
        no_program: finder.no_program,
    }
}

/// Where lines begin, in bytes.
struct Lines<'s> {
    source: &'s str,
    begins: Vec<usize>,
}

impl<'s> Lines<'s> {
    fn new(source: &'s str) -> Self {
        let ends = source.match_indices('\n').map(|(at, _)| at + 1);
        Lines {
            source,
            begins: std::iter::once(0).chain(ends).collect(),
        }
    }

    fn byte(&self, place: LineColumn) -> usize {
        let begin = self.begins[place.line - 1];
        let mut characters = self.source[begin..].char_indices();
        let (at, _) = characters.nth(place.column).unwrap_or((0, ' '));
        begin + at
    }
}

struct Finder<'s, 'm> {
    lines: Lines<'s>,
    source: &'s str,
    /// By line and column of their beginning.
    mutants: BTreeMap<(usize, usize), Vec<&'m Mutant>>,
    /// By the range of bytes that they wrap; outer ones first.
    edits: BTreeMap<(usize, std::cmp::Reverse<usize>), Edit>,
    removed: Vec<(usize, usize)>,
    placed: BTreeSet<u32>,
    no_program: BTreeSet<u32>,
    constant: &'s BTreeSet<String>,
}

fn switch(number: u32) -> String {
    format!("crate::mutant::is({number})")
}

impl<'s> Finder<'s, '_> {
    fn range(&self, span: Span) -> (usize, usize) {
        (self.lines.byte(span.start()), self.lines.byte(span.end()))
    }

    fn text(&self, span: Span) -> &'s str {
        let (start, end) = self.range(span);
        &self.source[start..end]
    }

    /// The mutants of this kind that begin where `span` does.
    fn at(&self, span: Span, genre: &str) -> Vec<(u32, String)> {
        let start = span.start();
        let all = self.mutants.get(&(start.line, start.column));
        all.into_iter()
            .flatten()
            .filter(|mutant| mutant.genre == genre)
            .map(|mutant| (mutant.number, mutant.replacement.clone()))
            .collect()
    }

    fn edit_at(&mut self, range: (usize, usize)) -> &mut Edit {
        let key = (range.0, std::cmp::Reverse(range.1));
        self.edits.entry(key).or_default()
    }

    fn instead(&mut self, range: (usize, usize), alternatives: Vec<(u32, String)>) {
        self.placed
            .extend(alternatives.iter().map(|(number, _)| *number));
        if !alternatives.is_empty() {
            self.edit_at(range).instead.extend(alternatives);
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) -> bool {
        if let Some(constness) = &signature.constness {
            if self.constant.contains(&signature.ident.to_string()) {
                return false;
            }
            let (start, end) = self.range(constness.span);
            self.removed.push((start, end));
        }
        // An early return would decide what type `impl Trait` stands for.
        let is_named = !matches!(&signature.output, syn::ReturnType::Type(_, kind) if matches!(**kind, syn::Type::ImplTrait(_)));
        let Some(first) = block.stmts.first().filter(|_| is_named) else {
            return true;
        };
        let mutants = self.at(first.span(), "FnValue");
        let start = self.lines.byte(first.span().start());
        for (number, replacement) in mutants {
            self.placed.insert(number);
            let text = format!("\nif {} {{ return {replacement}; }}\n", switch(number));
            // An empty range comes before whatever begins there.
            self.edit_at((start, start)).before.push_str(&text);
        }
        true
    }

    /// The text from `start` to `end` with every edit inside, but for the one that wraps all of it.
    fn render(&self, start: usize, end: usize, within: Option<(usize, usize)>) -> String {
        let mut text = String::new();
        let mut at = start;
        // What is inserted at a place comes before what is wrapped there.
        let mut inside: Vec<_> = self
            .edits
            .keys()
            .map(|(from, to)| (*from, to.0))
            .filter(|range| range.0 >= start && range.1 <= end && Some(*range) != within)
            .collect();
        inside.sort_by_key(|(from, to)| (*from, *from != *to, std::cmp::Reverse(*to)));
        if let Some(range) = within {
            // Insertions at the beginning belong to whoever wraps it.
            inside.retain(|(from, to)| !(*from == *to && *from == range.0));
        }
        for (from, to) in inside {
            if from < at {
                continue;
            }
            text.push_str(&self.plain(at, from));
            text.push_str(&self.wrap(from, to));
            at = to;
        }
        text.push_str(&self.plain(at, end));
        text
    }

    fn wrap(&self, from: usize, to: usize) -> String {
        let edit = &self.edits[&(from, std::cmp::Reverse(to))];
        let inner = self.render(from, to, Some((from, to)));
        if edit.instead.is_empty() {
            return format!("{}{inner}{}", edit.before, edit.after);
        }
        let choices: String = edit
            .instead
            .iter()
            .map(|(number, text)| format!("\nif {} {{ {text} }} else ", switch(*number)))
            .collect();
        format!("{}({choices}\n{{ {inner} }}){}", edit.before, edit.after)
    }

    /// Source without what was removed of it.
    fn plain(&self, start: usize, end: usize) -> String {
        let mut text = String::new();
        let mut at = start;
        for (from, to) in &self.removed {
            if *from >= at && *to <= end {
                text.push_str(&self.source[at..*from]);
                at = *to;
            }
        }
        text.push_str(&self.source[at..end]);
        text
    }
}

/// Whether it is, or is joined from, a `let`: such an expression can not be wrapped.
fn has_let(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_, '_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if self.function(&item.sig, &item.block) {
            syn::visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if self.function(&item.sig, &item.block) {
            syn::visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }

    // What is computed when it is compiled can ask for no switch.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_expr_repeat(&mut self, expression: &'ast syn::ExprRepeat) {
        self.visit_expr(&expression.expr);
    }
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}

    fn visit_expr_binary(&mut self, expression: &'ast syn::ExprBinary) {
        let operator = expression.op.span();
        let mutants = self.at(operator, "BinaryOperator");
        if !has_let(&expression.left) && !has_let(&expression.right) {
            let left = self.text(expression.left.span());
            let right = self.text(expression.right.span());
            let alternatives = mutants
                .into_iter()
                .map(|(number, operator)| (number, format!("{left} {operator} {right}")))
                .collect();
            self.instead(self.range(expression.span()), alternatives);
        } else {
            self.no_program
                .extend(mutants.into_iter().map(|(number, _)| number));
        }
        syn::visit::visit_expr_binary(self, expression);
    }

    fn visit_expr_unary(&mut self, expression: &'ast syn::ExprUnary) {
        let mutants = self.at(expression.op.span(), "UnaryOperator");
        let operand = self.text(expression.expr.span());
        let alternatives = mutants
            .into_iter()
            .map(|(number, _)| (number, operand.to_owned()))
            .collect();
        self.instead(self.range(expression.span()), alternatives);
        syn::visit::visit_expr_unary(self, expression);
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let deleted = expression
            .arms
            .iter()
            .flat_map(|arm| self.at(arm.span(), "MatchArm"));
        let switches: String = deleted.map(|(number, _)| switch(number)).collect();
        if !switches.is_empty() {
            // Where the compiler says that not every case is covered, this tells which arms it is about.
            let start = self.lines.byte(expression.expr.span().start());
            let note = format!("/* {switches} */ ");
            self.edit_at((start, start)).before.push_str(&note);
        }
        syn::visit::visit_expr_match(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let deleted = self.at(arm.span(), "MatchArm");
        self.placed
            .extend(deleted.iter().map(|(number, _)| *number));
        let stays: String = deleted
            .iter()
            .map(|(number, _)| format!("!{}", switch(*number)))
            .collect::<Vec<_>>()
            .join(" && ");
        match &arm.guard {
            Some((_, guard)) => {
                let range = self.range(guard.span());
                let mutants = self.at(guard.span(), "MatchArmGuard");
                self.instead(range, mutants);
                if !stays.is_empty() {
                    let edit = self.edit_at(range);
                    edit.before = format!("{stays} && (");
                    edit.after = ")".to_owned();
                }
            }
            None if !stays.is_empty() => {
                let end = self.lines.byte(arm.pat.span().end());
                self.edit_at((end, end)).before = format!(" if {stays}\n");
            }
            None => {}
        }
        syn::visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, expression: &'ast syn::ExprStruct) {
        if let Some(rest) = &expression.rest {
            let rest = self.text(rest.span());
            for field in &expression.fields {
                let name = self.text(field.member.span());
                let range = self.range(field.expr.span());
                let mutants = self.at(field.span(), "StructField");
                let alternatives = mutants
                    .into_iter()
                    .map(|(number, _)| (number, format!("({rest}).{name}")))
                    .collect::<Vec<_>>();
                if field.colon_token.is_none() && !alternatives.is_empty() {
                    self.edit_at(range).before = format!("{name}: ");
                }
                self.instead(range, alternatives);
            }
        }
        syn::visit::visit_expr_struct(self, expression);
    }
}
