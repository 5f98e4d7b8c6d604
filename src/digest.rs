//! SHA-256, for content names, checksums and receipts.

use sha2::Digest as _;
use sha2::Sha256;

/// A digest being made.
#[derive(Debug, Default, Clone)]
pub struct Digest(Sha256);

impl Digest {
    /// Takes more bytes in.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// All 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The digest of bytes, as bytes.
#[must_use]
pub fn bytes(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The digest of bytes, in lower-case hexadecimal digits.
#[must_use]
pub fn of(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_standard_text() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of("abc"), known);
        let mut digest = Digest::default();
        digest.update("a");
        digest.update("bc");
        assert_eq!(digest.hex(), known);
    }
}
