//! Has the allocator give back what is free. A crate of its own, so that Wardroom itself can forbid what it takes.

/// Sizes of pieces of which glibc keeps some for each thread after they were freed (its "tcache"): from so many bytes to so many, in steps.
const KEPT_BYTES_MIN: usize = 24;
const KEPT_BYTES_MAX: usize = 1032;
const KEPT_STEP: usize = 16;
/// So many of each size.
const KEPT_OF_EACH: usize = 7;

/// Gives every page of the heap back to the system on which nothing lies. Takes about a millisecond for each ten megabytes that are free, and other
/// threads wait for it when they allocate.
///
/// glibc gives back by itself only what lies at the heap's end. Elsewhere this does nothing: other allocators have no such call, or need none.
pub fn trim() {
    give_back_pages();
    // What is kept for this thread counts as used, and keeps the page that it lies on. It is exchanged for pieces that lie beside what is in use, now
    // that what is free is in large pieces.
    let kept = every_kept_size();
    give_back_pages();
    drop(every_kept_size());
    drop(kept);
    give_back_pages();
}

fn give_back_pages() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: malloc_trim(3) takes a number, gives one, and may be called at any time from any thread; it looks only at what is free.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

/// As many pieces of each size as a thread may have kept, which it gives out first.
fn every_kept_size() -> Vec<Vec<u8>> {
    kept_sizes().map(Vec::with_capacity).collect()
}

fn kept_sizes() -> impl Iterator<Item = usize> {
    let sizes = (KEPT_BYTES_MIN..=KEPT_BYTES_MAX).step_by(KEPT_STEP);
    sizes.flat_map(|size| std::iter::repeat_n(size, KEPT_OF_EACH))
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Held by a test while it looks at the memory of the process, which is that of all tests.
    static ALONE: Mutex<()> = Mutex::new(());

    fn resident() -> usize {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4096
    }

    #[test]
    fn what_is_free_below_something_that_stays_goes_back() {
        let _alone = ALONE.lock();
        let mut pieces = Vec::new();
        for n in 0..1000_usize {
            pieces.push(vec![n as u8; 16 * 1024]);
        }
        let stays = Box::new([1_u8; 100]);
        let full = resident();
        pieces.clear();
        trim();
        let left = resident();
        assert!(full - left > 12 << 20, "{full} {left}");
        assert_eq!(stays.len(), 100);
    }

    #[test]
    fn what_a_thread_keeps_for_itself_holds_no_pages() {
        let _alone = ALONE.lock();
        let mut pieces = Vec::new();
        for size in kept_sizes() {
            pieces.push(vec![1_u8; size]);
            pieces.push(vec![1_u8; 6 * 1024]);
        }
        let full = resident();
        pieces.clear();
        trim();
        let left = resident();
        assert!(full.saturating_sub(left) > 2 << 20, "{full} {left}");
    }
}
