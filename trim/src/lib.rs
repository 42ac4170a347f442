//! Has the allocator give back what is free. A crate of its own, so that Wardroom itself can forbid what it takes.

/// Gives every page of the heap back to the system on which nothing lies. Takes about a millisecond for each ten megabytes that are free, and other
/// threads wait for it when they allocate.
///
/// glibc gives back by itself only what lies at the heap's end. Elsewhere this does nothing: other allocators have no such call, or need none.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: malloc_trim(3) takes a number, gives one, and may be called at any time from any thread; it looks only at what is free.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    fn resident() -> usize {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4096
    }

    #[test]
    fn what_is_free_below_something_that_stays_goes_back() {
        let mut pieces = Vec::new();
        for n in 0..1000_usize {
            pieces.push(vec![n as u8; 16 * 1024]);
        }
        let stays = vec![1_u8; 100];
        let full = resident();
        pieces.clear();
        trim();
        let left = resident();
        assert!(full - left > 12 << 20, "{full} {left}");
        assert_eq!(stays.len(), 100);
    }
}
