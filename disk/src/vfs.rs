//! What SQLite calls a VFS: the system's own, and somebody between.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::OnceLock;

use rusqlite::ffi::{
    self, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE, SQLITE_OK,
    SQLITE_OPEN_CREATE, SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_WAL, SQLITE_READONLY, sqlite3_file,
    sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
};

use crate::{Call, Failure, with};

const LOGS: c_int = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
const NAME: &CStr = c"wardroom-disk";

/// A file of ours. Behind it in the same memory lies the system's.
#[repr(C)]
struct File {
    methods: *const sqlite3_io_methods,
    /// What it is called, of `Box::into_raw`.
    known: *mut Known,
}

#[derive(Debug)]
struct Known {
    name: String,
    /// Whether the next sync makes its name last too, as the system does it for logs.
    syncs_name: bool,
}

/// Calls that are handed on as they come.
macro_rules! handed_on {
    ($($own:ident $method:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(unsafe extern "C" fn $own(file: *mut sqlite3_file, $($argument: $kind),*) -> $result {
            // SAFETY: SQLite gives a file that `open` has opened, and arguments as the system's method takes them.
            unsafe {
                let system = system_file(file);
                let method = (*(*system).pMethods).$method;
                method.expect("SQLite's own disk has every method")(system, $($argument),*)
            }
        })*
    };
}

handed_on! {
    read xRead(to: *mut c_void, length: c_int, at: sqlite3_int64) -> c_int;
    file_size xFileSize(size: *mut sqlite3_int64) -> c_int;
    lock xLock(level: c_int) -> c_int;
    unlock xUnlock(level: c_int) -> c_int;
    check_reserved_lock xCheckReservedLock(found: *mut c_int) -> c_int;
    file_control xFileControl(what: c_int, argument: *mut c_void) -> c_int;
    sector_size xSectorSize() -> c_int;
    characteristics xDeviceCharacteristics() -> c_int;
    map_shared xShmMap(page: c_int, bytes: c_int, extends: c_int, to: *mut *mut c_void) -> c_int;
    lock_shared xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    fence_shared xShmBarrier() -> ();
    unmap_shared xShmUnmap(deletes: c_int) -> c_int;
}

/// The second version: with memory that is shared, which a write-ahead log takes, and without files mapped into memory.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(map_shared),
    xShmLock: Some(lock_shared),
    xShmBarrier: Some(fence_shared),
    xShmUnmap: Some(unmap_shared),
    xFetch: None,
    xUnfetch: None,
};

/// The name under which SQLite knows the disk, which is made when this is first asked.
///
/// # Panics
/// When SQLite has no disk of its own.
pub fn name() -> &'static str {
    static MADE: OnceLock<bool> = OnceLock::new();
    let is_made = MADE.get_or_init(|| {
        // SAFETY: SQLite's list of disks guards itself, and a disk that stands in it is never freed: neither the system's nor ours.
        unsafe {
            let system = ffi::sqlite3_vfs_find(ptr::null());
            let Some(found) = system.as_ref() else {
                return false;
            };
            let own = Box::new(sqlite3_vfs {
                szOsFile: size_of::<File>() as c_int + found.szOsFile,
                pNext: ptr::null_mut(),
                zName: NAME.as_ptr(),
                pAppData: system.cast(),
                xOpen: Some(open),
                xDelete: Some(delete),
                ..*found
            });
            ffi::sqlite3_vfs_register(Box::into_raw(own), 0) == SQLITE_OK
        }
    });
    assert!(is_made, "SQLite has a disk of its own");
    NAME.to_str().expect("a name in ASCII")
}

/// The system's disk below ours.
///
/// # Safety
/// `vfs` is the one that `name` has made.
unsafe fn system_disk(vfs: *mut sqlite3_vfs) -> *mut sqlite3_vfs {
    // SAFETY: `name` has put it there.
    unsafe { (*vfs).pAppData.cast() }
}

/// The system's file behind ours.
///
/// # Safety
/// `file` has the memory that the disk asks for each file.
unsafe fn system_file(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the memory is `szOsFile` long, which is ours and the system's.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// What is known of a file.
///
/// # Safety
/// `file` was opened by `open`, and nothing else of it is borrowed.
unsafe fn known<'f>(file: *mut sqlite3_file) -> &'f mut Known {
    // SAFETY: `open` has put it there, and `close`, after which there is no call, takes it away.
    unsafe { &mut *(*file.cast::<File>()).known }
}

/// The last component of a path.
///
/// # Safety
/// `path` is null or ends with a zero.
unsafe fn last_of(path: *const c_char) -> String {
    if path.is_null() {
        return String::new();
    }
    // SAFETY: so the caller says.
    let path = unsafe { CStr::from_ptr(path) }.to_string_lossy();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Does something that changes what is on the disk, unless that fails, and writes it down.
fn change(io_error: c_int, call: impl FnOnce() -> Call, perform: impl FnOnce() -> c_int) -> c_int {
    match with(|disk| disk.refused()) {
        Some(Failure::Full) if io_error == SQLITE_IOERR_WRITE => return SQLITE_FULL,
        Some(Failure::ReadOnly) => return SQLITE_READONLY,
        Some(Failure::Broken) => return io_error,
        Some(Failure::Full) | None => {}
    }
    let done = perform();
    if done == SQLITE_OK {
        with(|disk| {
            if disk.is_recording {
                disk.calls.push(call());
            }
        });
    }
    done
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    path: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_given: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a path or null, and memory of `szOsFile` bytes for the file.
    unsafe {
        let system = system_disk(vfs);
        let own = file.cast::<File>();
        // Without methods it is not closed when it can not be opened.
        (*own).methods = ptr::null();
        let name = last_of(path);
        let is_new = !path.is_null()
            && !std::path::Path::new(&*CStr::from_ptr(path).to_string_lossy()).exists();
        let opens = (*system).xOpen.expect("a disk opens files");
        let done = opens(system, path, system_file(file), flags, flags_given);
        if done != SQLITE_OK {
            return done;
        }
        if is_new {
            with(|disk| {
                if disk.is_recording {
                    disk.calls.push(Call::Create(name.clone()));
                }
            });
        }
        (*own).known = Box::into_raw(Box::new(Known {
            name,
            syncs_name: flags & SQLITE_OPEN_CREATE != 0 && flags & LOGS != 0,
        }));
        (*own).methods = &raw const METHODS;
        SQLITE_OK
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: `open` has opened it, and nothing is asked of it any more.
    unsafe {
        drop(Box::from_raw((*file.cast::<File>()).known));
        let system = system_file(file);
        let closes = (*(*system).pMethods).xClose.expect("files are closed");
        closes(system)
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives a file that `open` has opened, and `length` bytes.
    unsafe {
        let system = system_file(file);
        let writes = (*(*system).pMethods).xWrite.expect("files are written");
        let call = || Call::Write {
            file: known(file).name.clone(),
            at: at as usize,
            bytes: slice::from_raw_parts(from.cast(), length as usize).to_vec(),
        };
        change(SQLITE_IOERR_WRITE, call, || {
            writes(system, from, length, at)
        })
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives a file that `open` has opened.
    unsafe {
        let system = system_file(file);
        let cuts = (*(*system).pMethods).xTruncate.expect("files are cut off");
        let call = || Call::Truncate {
            file: known(file).name.clone(),
            length: length as usize,
        };
        change(SQLITE_IOERR_TRUNCATE, call, || cuts(system, length))
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite gives a file that `open` has opened.
    unsafe {
        let system = system_file(file);
        let syncs = (*(*system).pMethods).xSync.expect("files are synced");
        let call = || Call::Sync(known(file).name.clone());
        let done = change(SQLITE_IOERR_FSYNC, call, || syncs(system, flags));
        if done == SQLITE_OK && std::mem::take(&mut known(file).syncs_name) {
            with(|disk| {
                if disk.is_recording {
                    disk.calls.push(Call::SyncNames);
                }
            });
        }
        done
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, path: *const c_char, syncs: c_int) -> c_int {
    // SAFETY: SQLite gives a path.
    unsafe {
        let system = system_disk(vfs);
        let deletes = (*system).xDelete.expect("a disk deletes files");
        let done = deletes(system, path, syncs);
        if done == SQLITE_OK {
            let name = last_of(path);
            with(|disk| {
                if disk.is_recording {
                    disk.calls.push(Call::Unlink(name));
                    if syncs != 0 {
                        disk.calls.push(Call::SyncNames);
                    }
                }
            });
        }
        done
    }
}
