//! Files and ports, by Landlock.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort,
    PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};

use super::plan::{Outgoing, Plan};

/// The least that is worth the name: reading, writing, making, running.
const BASE: ABI = ABI::V1;
/// The newest that this was thought through for; an older kernel does what it knows.
const NEWEST: ABI = ABI::V7;

/// Says what is in force then, or what is missing.
pub(super) fn restrict(plan: &Plan) -> Result<String, String> {
    let status = enforce(plan).map_err(|error| format!("Landlock: {error}"))?;
    let LandlockStatus::Available { effective_abi, .. } = status.landlock else {
        return Err("this kernel has no Landlock".to_owned());
    };
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("this kernel enforces nothing of Landlock".to_owned());
    }
    let ports = if effective_abi >= ABI::V4 {
        "files and TCP ports"
    } else {
        "files"
    };
    Ok(format!(
        "{ports} (Landlock, its version {})",
        effective_abi as i32
    ))
}

fn enforce(plan: &Plan) -> Result<RestrictionStatus, RulesetError> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(BASE))?
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = make_bitflags!(AccessFs::{
        ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile | Refer
    });
    let ruleset = allow(ruleset, &plan.readable, read)?;
    let mut ruleset = allow(ruleset, &plan.writable, write)?;
    for port in &plan.bound {
        ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::BindTcp))?;
    }
    if let Outgoing::Port(port) = plan.outgoing {
        ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        // Names of many addresses are asked for by TCP.
        ruleset = ruleset.add_rule(NetPort::new(53, AccessNet::ConnectTcp))?;
    }
    ruleset.restrict_self()
}

/// What does not exist can not be allowed, and will not be there for the process.
fn allow(
    mut ruleset: RulesetCreated,
    directories: &[PathBuf],
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    for directory in directories {
        match PathFd::new(directory) {
            Ok(directory) => ruleset = ruleset.add_rule(PathBeneath::new(directory, access))?,
            Err(error) => log::debug!("sandbox: {}: {error}", directory.display()),
        }
    }
    Ok(ruleset)
}
