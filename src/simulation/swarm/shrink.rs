//! Makes a script that fails as short as can be: parts of it are left out as long as it goes on failing in the same way.

use super::script::Script;

/// Runs that are spent on it at most.
const RUNS_MAX: usize = 1500;

/// The shortest script found of which `fails` says that it fails in the same way, and how often that was asked.
pub fn shrink(script: &Script, fails: impl Fn(&Script) -> bool) -> (Script, usize) {
    let mut best = script.clone();
    let mut runs = 0;
    let mut part = best.steps.len().div_ceil(2).max(1);
    loop {
        let mut is_shorter = false;
        let mut begin = 0;
        while begin < best.steps.len() && runs < RUNS_MAX {
            let end = (begin + part).min(best.steps.len());
            let mut shorter = best.clone();
            shorter.steps.drain(begin..end);
            runs += 1;
            if fails(&shorter) {
                best = shorter;
                is_shorter = true;
            } else {
                begin = end;
            }
        }
        if runs >= RUNS_MAX || (part == 1 && !is_shorter) {
            return (best, runs);
        }
        part = (part / 2).max(1);
    }
}
