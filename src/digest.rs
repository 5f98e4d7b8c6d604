//! SHA-256 digests, for content names, checksums and receipts.

use sha2::Digest as _;
use sha2::Sha256;

/// A digest in progress.
#[derive(Debug, Default, Clone)]
pub struct Digest(Sha256);

impl Digest {
    /// Adds bytes to the input.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The digest as 64 lowercase hexadecimal digits.
    #[must_use]
    pub fn hex(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The digest of `bytes`, as 32 bytes.
#[must_use]
pub fn bytes(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The digest of `bytes`, in lowercase hexadecimal digits.
#[must_use]
pub fn of(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// `bytes` in lowercase hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_the_test_vector_of_the_standard() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of("abc"), expected);
        let mut digest = Digest::default();
        digest.update("a");
        digest.update("bc");
        assert_eq!(digest.hex(), expected);
    }
}
