//! Splits a stream into documents, without reading them.

/// Groups the documents into runs of about `size` bytes.
pub(super) fn groups<'a, 'b>(segments: &'a [(usize, &'b str)], size: usize) -> Vec<&'a [(usize, &'b str)]> {
    let mut first = 0;
    segments
        .chunk_by(|_, (offset, _)| {
            let same = offset - first < size;
            if !same {
                first = *offset;
            }
            same
        })
        .collect()
}

/// The values of a JSON stream, such as the output of `jq`, each with its offset; `None` for anything else.
pub(super) fn json_values(text: &str) -> Option<Vec<(usize, &str)>> {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let body = &text[start..];
    if !body.trim_start().starts_with('{') {
        return None;
    }
    let bytes = body.as_bytes();
    let mut parts = Vec::new();
    let (mut depth, mut from, mut at) = (0_usize, 0, 0);
    while let Some(byte) = bytes.get(at) {
        let run = |is: fn(&u8) -> bool| bytes[at..].iter().take_while(|byte| is(byte)).count();
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    parts.push((start + from, &body[from..=at]));
                    from = at + 1;
                }
            }
            // Only whitespace is allowed between values.
            _ if depth == 0 => return None,
            b':' | b',' => {}
            b'"' => at += string_length(&bytes[at..])? - 1,
            b'-' | b'0'..=b'9' => {
                at += run(|byte| matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E' | b'0'..=b'9')) - 1;
            }
            _ => {
                let word = &bytes[at..at + run(u8::is_ascii_alphabetic)];
                if !matches!(word, b"true" | b"false" | b"null") {
                    return None;
                }
                at += word.len() - 1;
            }
        }
        at += 1;
    }
    (parts.len() > 1 && depth == 0).then_some(parts)
}

/// The length in bytes of the JSON string at the start, with its quotes; `None` if it does not end.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The documents of a stream, each with its offset: every `---` in column 0 starts one.
pub(super) fn segments(text: &str) -> Vec<(usize, &str)> {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut starts = vec![start];
    let mut from = start;
    // What the lines of the current document are, and the offset up to which they were read.
    let (mut blank, mut directive, mut seen) = (true, false, start);
    while let Some(found) = text[from..].find("\n---") {
        let at = from + found + 1;
        from = at + 3;
        if !text[from..].chars().next().is_none_or(char::is_whitespace) {
            continue;
        }
        if blank {
            for line in text[seen..at].lines() {
                blank &= line.is_empty() || line.starts_with(['%', '#']);
                directive |= line.starts_with('%');
                if !blank {
                    break;
                }
            }
            seen = at;
        }
        // A document's directives are above its marker.
        if !(blank && directive) {
            starts.push(at);
            (blank, directive, seen) = (true, false, at);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| (*start, &text[*start..end]))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}
