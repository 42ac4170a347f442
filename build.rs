//! How the released binary is linked: smaller, by what only a debugger or an old loader would miss. `docs/dependencies.md` says what
//! each part gives up.

use std::path::PathBuf;
use std::{env, fs};

/// Tables for unwinding a stack: the profile says `panic = "abort"`, so nothing ever is.
const WITHOUT_UNWIND_TABLES: &str = "SECTIONS {
  /DISCARD/ : { *(.eh_frame) *(.gcc_except_table .gcc_except_table.*) }
} INSERT AFTER .text;
";

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name, value| env::var(name).is_ok_and(|found| found == value);
    if !is("PROFILE", "release") || !is("CARGO_CFG_TARGET_OS", "linux") {
        return Ok(());
    }
    if let Some(out) = env::var_os("OUT_DIR").map(PathBuf::from) {
        let script = out.join("without-unwind-tables.ld");
        fs::write(&script, WITHOUT_UNWIND_TABLES)?;
        link("--no-eh-frame-hdr");
        link(&format!("-T,{}", script.display()));
    }
    if is("CARGO_CFG_TARGET_ENV", "gnu") {
        // `DT_RELR`: a thirtieth of the other form's size.
        link("-z,pack-relative-relocs");
    }
    Ok(())
}

fn link(argument: &str) {
    println!("cargo:rustc-link-arg-bin=wardroom=-Wl,{argument}");
}
