//! What the process gives up for good once it has started: files, ports and system calls that a chat server does not
//! need. Whoever takes over the process then has little to do with it.
//!
//! Files and ports by Landlock, before there are threads, which inherit it; system calls by seccomp, in every thread, once
//! everything is bound. Nothing here decides what the server does: it only says what it can not do any more.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod calls;
mod files;
mod plan;

use crate::config::Sandbox;

pub use plan::Plan;

/// What the kernel does not do although `process.sandbox = "require"` asks for it.
#[derive(Debug, thiserror::Error)]
#[error("process.sandbox = \"require\": {what}; allowed: a kernel that can, or \"on\"")]
pub struct SandboxError {
    what: String,
}

/// Leaves the process the files and ports of `plan`, and no others. Threads that run already keep theirs.
///
/// # Errors
/// [`SandboxError`] when it is required and the kernel can not.
pub fn restrict_files(mode: Sandbox, plan: &Plan) -> Result<(), SandboxError> {
    attempt(mode, || files::restrict(plan))
}

/// Leaves all threads of the process the system calls of a server that has started.
///
/// # Errors
/// [`SandboxError`] when it is required and the kernel can not.
pub fn restrict_calls(mode: Sandbox, plan: &Plan) -> Result<(), SandboxError> {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let restrict = || calls::restrict(plan);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let restrict = || {
        let _ = plan;
        Err("no list of system calls was made for this architecture".to_owned())
    };
    attempt(mode, restrict)
}

/// `restrict` gives what is in force now, or what the kernel can not do.
fn attempt(
    mode: Sandbox,
    restrict: impl FnOnce() -> Result<String, String>,
) -> Result<(), SandboxError> {
    if mode == Sandbox::Off {
        return Ok(());
    }
    match restrict() {
        Ok(in_force) => log::info!("sandbox: {in_force}"),
        Err(what) if mode == Sandbox::Require => return Err(SandboxError { what }),
        Err(what) => log::warn!("sandbox: {what}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_required_keeps_a_server_from_starting() {
        let cannot = || Err("it can not".to_owned());
        assert!(attempt(Sandbox::Off, || panic!("not even tried")).is_ok());
        assert!(attempt(Sandbox::On, cannot).is_ok());
        let error = attempt(Sandbox::Require, cannot).unwrap_err();
        let expected =
            "process.sandbox = \"require\": it can not; allowed: a kernel that can, or \"on\"";
        assert_eq!(error.to_string(), expected);
    }
}
