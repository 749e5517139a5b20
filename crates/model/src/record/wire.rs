//! Bytes of a record: varints, lengths and a reader that never trusts them.

/// A record's bytes do not say what they should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes end too early.
    #[error("record ends at byte {0}, more was announced")]
    Short(usize),
    /// A code has no meaning here.
    #[error("record holds an unknown {0}")]
    Unknown(&'static str),
    /// The record is of a version that this build does not read.
    #[error("record is of version {0}, this build reads up to {max}", max = super::VERSION)]
    Version(u8),
}

/// Appends to a byte vector.
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Writer<'o> {
    pub const fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out }
    }

    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub fn numbers<const N: usize>(&mut self, numbers: &Numbers<N>) {
        self.bytes(&numbers.bytes[..numbers.len]);
    }

    pub fn u64(&mut self, value: u64) {
        let mut number = Numbers::<10>::new();
        number.u64(value);
        self.numbers(&number);
    }

    pub fn u32(&mut self, value: u32) {
        self.u64(u64::from(value));
    }

    #[inline]
    pub fn len(&mut self, value: usize) {
        match u8::try_from(value) {
            Ok(small @ ..0x80) => self.u8(small),
            _ => self.u64(value as u64),
        }
    }

    pub fn i64(&mut self, value: i64) {
        self.u64(zigzag(value));
    }

    #[inline]
    pub fn text(&mut self, text: &str) {
        self.len(text.len());
        if !text.is_empty() {
            self.bytes(text.as_bytes());
        }
    }
}

/// So that small negative numbers stay short.
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Numbers that stand next to each other, at most `N` bytes of them.
///
/// They are gathered where the compiler keeps count in a register, then copied as one:
/// a vector's length lies in memory, and each byte pushed waits for the one before it.
pub struct Numbers<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Numbers<N> {
    #[inline(always)]
    pub const fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    #[inline(always)]
    pub const fn u8(&mut self, value: u8) {
        self.bytes[self.len] = value;
        self.len += 1;
    }

    #[inline(always)]
    pub fn bytes<const M: usize>(&mut self, bytes: [u8; M]) {
        self.bytes[self.len..self.len + M].copy_from_slice(&bytes);
        self.len += M;
    }

    #[inline(always)]
    pub const fn u64(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.u8(value as u8);
    }

    #[inline(always)]
    pub fn u32(&mut self, value: u32) {
        self.u64(u64::from(value));
    }

    #[inline(always)]
    pub const fn i64(&mut self, value: i64) {
        self.u64(zigzag(value));
    }
}

/// Reads what [`Writer`] wrote; every length is checked.
pub struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

type Read<T> = Result<T, CodecError>;

impl<'a> Reader<'a> {
    pub const fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    pub fn u8(&mut self) -> Read<u8> {
        let byte = self.all.get(self.at).ok_or(CodecError::Short(self.at))?;
        self.at += 1;
        Ok(*byte)
    }

    pub fn bytes(&mut self, len: usize) -> Read<&'a [u8]> {
        let end = self.at.checked_add(len).ok_or(CodecError::Short(self.at))?;
        let bytes = self
            .all
            .get(self.at..end)
            .ok_or(CodecError::Short(self.at))?;
        self.at = end;
        Ok(bytes)
    }

    pub fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub fn u64(&mut self) -> Read<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CodecError::Unknown("number"))
    }

    pub fn u32(&mut self) -> Read<u32> {
        u32::try_from(self.u64()?).map_err(|_| CodecError::Unknown("number"))
    }

    /// A count of items, each at least one byte: never more than what is left.
    pub fn len(&mut self) -> Read<usize> {
        let len = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        if len > self.all.len() - self.at {
            Err(CodecError::Short(self.at))
        } else {
            Ok(len)
        }
    }

    pub fn i64(&mut self) -> Read<i64> {
        let value = self.u64()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub fn text(&mut self) -> Read<&'a str> {
        let len = self.len()?;
        std::str::from_utf8(self.bytes(len)?).map_err(|_| CodecError::Unknown("text"))
    }
}
