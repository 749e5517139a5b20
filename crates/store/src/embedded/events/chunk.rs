//! A column of texts or bytes of a row group, as Parquet has it.
//!
//! The crate's own writer looks every row's text up again, for all columns the greatest part of
//! sealing. Here the rows are keys already: they are packed a page at a time, and the dictionary
//! goes before them at the end. Texts that hardly ever repeat are written plain from then on.

use assay_model::ports::DimensionValue;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::EventsError;
use super::pack;
use super::texts::TextColumn;

/// Rows of a page.
const PAGE_ROWS: usize = 16_384;
/// Bytes of plain texts of a page.
const PAGE_BYTES: usize = 512 << 10;
/// A dictionary that grows beyond this gets no more values, nor one with hardly fewer values than
/// rows.
const DICTIONARY_BYTES: usize = 1 << 20;
/// Chance that a bloom filter sends a reader in vain.
const BLOOM_FPP: f64 = 0.01;

/// What columns of a file are compressed with.
pub struct Squeeze {
    zstd: Compressor<'static>,
    codec: Compression,
}

impl Squeeze {
    /// Compression of a level.
    pub fn new(level: i32) -> Result<Self, EventsError> {
        Ok(Self {
            zstd: Compressor::new(level)?,
            codec: Compression::ZSTD(ZstdLevel::try_new(level)?),
        })
    }

    /// What the footer says of it.
    pub fn codec(&self) -> Compression {
        self.codec
    }

    fn page(
        &mut self,
        bytes: &[u8],
        rows: usize,
        encoding: Encoding,
    ) -> Result<Packed, EventsError> {
        Ok(Packed {
            bytes: self.zstd.compress(bytes)?.into(),
            uncompressed: bytes.len(),
            rows,
            encoding,
        })
    }
}

/// A finished data page.
struct Packed {
    bytes: Bytes,
    uncompressed: usize,
    rows: usize,
    encoding: Encoding,
}

impl Packed {
    fn data_page(&self) -> CompressedPage {
        let page = Page::DataPage {
            buf: self.bytes.clone(),
            num_values: self.rows as u32,
            encoding: self.encoding,
            // No column is repeated or holds nulls: there are no levels.
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        CompressedPage::new(page, self.uncompressed)
    }
}

/// A column of a row group that is being written.
pub struct TextChunk {
    column: TextColumn,
    /// Texts as they are: from the beginning, or once the dictionary was full.
    plain: Option<Vec<u8>>,
    page_bytes: usize,
    page_rows: usize,
    /// Rows of finished pages of keys.
    rows: usize,
    pages: Vec<Packed>,
    bloom: Option<Sbbf>,
    in_bloom: usize,
}

impl Default for TextChunk {
    fn default() -> Self {
        Self {
            column: TextColumn::default(),
            plain: None,
            page_bytes: PAGE_BYTES,
            page_rows: 0,
            rows: 0,
            pages: Vec::new(),
            bloom: None,
            in_bloom: 0,
        }
    }
}

impl TextChunk {
    /// Of texts that are different in every row; pages are cut at so many bytes.
    pub fn plain(page_bytes: usize) -> Self {
        Self {
            plain: Some(Vec::with_capacity(page_bytes)),
            page_bytes,
            ..Self::default()
        }
    }

    /// With a filter that says which of about `rows` different texts are not there.
    pub fn with_bloom(self, rows: u64) -> Result<Self, EventsError> {
        Ok(Self {
            bloom: Some(Sbbf::new_with_ndv_fpp(rows, BLOOM_FPP)?),
            ..self
        })
    }

    /// Adds a row.
    pub fn push(
        &mut self,
        value: &DimensionValue<'_>,
        squeeze: &mut Squeeze,
    ) -> Result<(), EventsError> {
        if self.plain.is_some() {
            return self.push_plain(value.text().as_bytes(), squeeze);
        }
        self.column.push(value);
        self.page_rows += 1;
        if self.page_rows >= PAGE_ROWS {
            self.end_page(squeeze)?;
        }
        Ok(())
    }

    /// Adds a row to a plain column.
    pub fn push_plain(&mut self, text: &[u8], squeeze: &mut Squeeze) -> Result<(), EventsError> {
        let plain = self.plain.get_or_insert_default();
        plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
        plain.extend_from_slice(text);
        if let Some(bloom) = &mut self.bloom {
            bloom.insert(text);
        }
        self.page_rows += 1;
        if self.page_rows >= PAGE_ROWS || plain.len() >= self.page_bytes {
            self.end_page(squeeze)?;
        }
        Ok(())
    }

    fn end_page(&mut self, squeeze: &mut Squeeze) -> Result<(), EventsError> {
        let rows = std::mem::take(&mut self.page_rows);
        if rows == 0 {
            return Ok(());
        }
        if let Some(plain) = &mut self.plain {
            self.pages.push(squeeze.page(plain, rows, Encoding::PLAIN)?);
            plain.clear();
            return Ok(());
        }
        self.add_to_bloom();
        let values = self.column.dictionary().len();
        let bytes = match self.column.keys() {
            Ok(keys) => pack::keys(keys, values),
            Err((key, rows)) => pack::same(key, rows, values),
        };
        self.column.clear_rows();
        let page = squeeze.page(&bytes, rows, Encoding::RLE_DICTIONARY)?;
        self.pages.push(page);
        self.rows += rows;
        let dictionary = self.column.dictionary();
        if dictionary.text_bytes() > DICTIONARY_BYTES || dictionary.len() > self.rows / 2 {
            self.plain = Some(Vec::new());
        }
        Ok(())
    }

    fn add_to_bloom(&mut self) {
        if let Some(bloom) = &mut self.bloom {
            let dictionary = self.column.dictionary();
            for key in self.in_bloom..dictionary.len() {
                bloom.insert(dictionary.text(key));
            }
            self.in_bloom = dictionary.len();
        }
    }

    /// The whole chunk, as a row group takes it.
    pub fn close(
        mut self,
        descr: ColumnDescPtr,
        bounds: bool,
        squeeze: &mut Squeeze,
    ) -> Result<(Bytes, ColumnCloseResult), EventsError> {
        self.end_page(squeeze)?;
        let mut chunk = Chunk::default();
        let has_dictionary = self.column.dictionary().len() > 0;
        if has_dictionary {
            chunk.add(self.dictionary_page(squeeze)?)?;
        }
        let data_at = chunk.len();
        let mut places = Vec::with_capacity(self.pages.len());
        let mut rows = 0;
        for page in &self.pages {
            let offset = chunk.len() as i64;
            chunk.add(page.data_page())?;
            places.push(PageLocation {
                offset,
                compressed_page_size: (chunk.len() as i64 - offset) as i32,
                first_row_index: rows,
            });
            rows += page.rows as i64;
        }
        let mut metadata = ColumnChunkMetaData::builder(descr)
            .set_compression(squeeze.codec)
            .set_encodings(match has_dictionary {
                true => vec![Encoding::PLAIN, Encoding::RLE_DICTIONARY],
                false => vec![Encoding::PLAIN],
            })
            .set_page_encoding_stats(self.page_stats())
            .set_total_compressed_size(chunk.len() as i64)
            .set_total_uncompressed_size(chunk.uncompressed as i64)
            .set_num_values(rows)
            .set_data_page_offset(data_at as i64)
            .set_dictionary_page_offset(has_dictionary.then_some(0));
        if bounds && self.plain.is_none() {
            metadata = metadata.set_statistics(self.bounds());
        }
        if let Some(bloom) = &mut self.bloom {
            bloom.fold_to_target_fpp(BLOOM_FPP);
        }
        let close = ColumnCloseResult {
            bytes_written: chunk.len() as u64,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter: self.bloom,
            column_index: None,
            offset_index: Some(OffsetIndexMetaData {
                page_locations: places,
                unencoded_byte_array_data_bytes: None,
            }),
        };
        Ok((chunk.sink.into_inner()?.into(), close))
    }

    /// Which kinds of pages there are: the dictionary, keys of it, plain texts.
    fn page_stats(&self) -> Vec<PageEncodingStats> {
        let data = |encoding| {
            let pages = self.pages.iter().filter(|page| page.encoding == encoding);
            (PageType::DATA_PAGE, encoding, pages.count() as i32)
        };
        let kinds = [
            (
                PageType::DICTIONARY_PAGE,
                Encoding::PLAIN,
                i32::from(self.column.dictionary().len() > 0),
            ),
            data(Encoding::RLE_DICTIONARY),
            data(Encoding::PLAIN),
        ];
        let there = kinds.into_iter().filter(|(_, _, count)| *count > 0);
        there
            .map(|(page_type, encoding, count)| PageEncodingStats {
                page_type,
                encoding,
                count,
            })
            .collect()
    }

    fn dictionary_page(&self, squeeze: &mut Squeeze) -> Result<CompressedPage, EventsError> {
        let dictionary = self.column.dictionary();
        let mut bytes = Vec::with_capacity(dictionary.text_bytes() + dictionary.len() * 4);
        for text in dictionary.texts() {
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        let page = Page::DictionaryPage {
            buf: squeeze.zstd.compress(&bytes)?.into(),
            num_values: dictionary.len() as u32,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        Ok(CompressedPage::new(page, bytes.len()))
    }

    /// Lowest and highest text.
    fn bounds(&self) -> Statistics {
        let dictionary = self.column.dictionary();
        let bytes = |text: &str| ByteArray::from(text.as_bytes().to_vec());
        let (low, high) = (dictionary.texts().min(), dictionary.texts().max());
        Statistics::byte_array(low.map(bytes), high.map(bytes), None, Some(0), false)
    }
}

/// The pages of a chunk, one after the other.
struct Chunk {
    sink: TrackedWrite<Vec<u8>>,
    /// Their size before compression.
    uncompressed: usize,
}

impl Default for Chunk {
    fn default() -> Self {
        Self {
            sink: TrackedWrite::new(Vec::new()),
            uncompressed: 0,
        }
    }
}

impl Chunk {
    fn len(&self) -> usize {
        self.sink.bytes_written()
    }

    fn add(&mut self, page: CompressedPage) -> Result<(), EventsError> {
        let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.uncompressed += written.uncompressed_size;
        Ok(())
    }
}
