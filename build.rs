//! How the released binary is linked: the places that the loader adjusts are listed in the packed form (`DT_RELR`), a
//! thirtieth of the other's size. It needs version 2.36 of the GNU C library; the static binary needs none.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name, value| std::env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
    {
        println!("cargo:rustc-link-arg-bin=wardroom=-Wl,-z,pack-relative-relocs");
    }
}
