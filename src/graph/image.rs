//! Image references.

/// The repository of an image reference, without tag and digest.
#[must_use]
pub fn image_name(image: &str) -> &str {
    let image = image.trim();
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rfind(':') {
        Some(at) if !image[at..].contains('/') => &image[..at],
        _ => image,
    }
}

/// The last segment of an image's repository: `postgres` for `docker.io/library/postgres:16`.
#[must_use]
pub fn image_tail(image: &str) -> &str {
    let name = image_name(image);
    name.rsplit('/').next().unwrap_or(name)
}
