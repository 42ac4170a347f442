//! What can be wrong with the store, in the words that people are told.

/// Why the store can not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    #[error("the disk is full")]
    DiskFull,
    #[error("the store can not be written to")]
    ReadOnly,
    #[error("another process keeps the store locked")]
    Locked,
    #[error("the store does not answer")]
    Silent,
    #[error("the store's file was deleted or replaced while it was in use")]
    Replaced,
    #[error("the store is damaged")]
    Corrupt,
    #[error("the store can not be read or written")]
    Io,
}
