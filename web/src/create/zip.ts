// Zip archives (PKWARE's APPNOTE 6.3.10, sections 4.3 to 4.4), read in the browser. The
// directory at their end tells all names and sizes before anything is unpacked.
import { fileOf, type Files } from "./archive";

const endSign = 0x06054b50;
const entrySign = 0x02014b50;
const localSign = 0x04034b50;
const endLength = 22;
const longestComment = 0xffff;
const inZip64 = 0xffffffff; // the true number stands elsewhere

interface Entry {
  path: string;
  packed: number; // bytes
  size: number; // bytes
  method: number;
  sum: number; // CRC-32 of the content
  at: number; // of its local header
}

export const isZip = (head: Uint8Array) => head[0] === 0x50 && head[1] === 0x4b; // PK

// unzip gives the files of an archive that takes no more than most bytes unpacked.
export async function unzip(archive: Blob, most: number): Promise<Files> {
  const bytes = new Uint8Array(await archive.arrayBuffer());
  const entries = directory(bytes).filter((e) => !e.path.endsWith("/"));
  const size = entries.reduce((sum, e) => sum + e.size, 0);
  if (size > most) throw new TooLarge(size);
  const files: Files = {};
  for (const entry of entries) files[entry.path] = fileOf(await contentOf(bytes, entry));
  return files;
}

// TooLarge says that an archive is not for an editor in a browser.
export class TooLarge extends Error {
  constructor(size: number) {
    super(
      `The archive has ${Math.round(size / (1 << 20))} MiB of files, which is too much for an editor in the browser. ` +
        "Deploy it with the command line: fescue deploy FOLDER.",
    );
  }
}

function directory(bytes: Uint8Array): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOf(view);
  let at = view.getUint32(end + 16, true);
  const entries: Entry[] = [];
  for (let i = view.getUint16(end + 10, true); i > 0; i--) {
    if (at + 46 > end || view.getUint32(at, true) !== entrySign) throw damaged("its directory");
    const entry = entryAt(view, bytes, at);
    entries.push(entry);
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

// endOf finds the record that ends the archive; only a comment may stand behind it.
function endOf(view: DataView): number {
  const first = Math.max(0, view.byteLength - endLength - longestComment);
  for (let at = view.byteLength - endLength; at >= first; at--) if (view.getUint32(at, true) === endSign) return at;
  throw damaged("its end");
}

function entryAt(view: DataView, bytes: Uint8Array, at: number): Entry {
  const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + view.getUint16(at + 28, true)));
  if (view.getUint16(at + 8, true) & 1) throw new Error(`The archive's ${path} is encrypted.`);
  const mode = view.getUint32(at + 38, true) >>> 16;
  if ((mode & 0o170000) === 0o120000) throw new Error(`The archive's ${path} is a link. An application has files only.`);
  if (path.startsWith("/") || path.split("/").includes("..")) throw new Error(`The archive's ${path} would lie outside of it.`);
  const entry = {
    path,
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    method: view.getUint16(at + 10, true),
    sum: view.getUint32(at + 16, true),
    at: view.getUint32(at + 42, true),
  };
  if (entry.at === inZip64 || entry.size === inZip64) throw new TooLarge(entry.size);
  return entry;
}

async function contentOf(bytes: Uint8Array, { path, packed, size, method, sum, at }: Entry): Promise<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + 30 > bytes.length || view.getUint32(at, true) !== localSign) throw damaged(path);
  const begin = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const content = bytes.slice(begin, begin + packed);
  if (content.length < packed) throw damaged(path);
  if (method !== 0 && method !== 8)
    throw new Error(`The archive's ${path} is packed in a way that browsers do not know (method ${method}).`);
  const result = method === 0 ? content : await inflate(content, size).catch(() => undefined);
  if (result?.length !== size || crc(result) !== sum) throw damaged(path);
  return result;
}

// inflate stops at the size that the directory told: more is a bomb.
async function inflate(content: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array> {
  const reader = new Blob([content]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const result = new Uint8Array(size);
  for (let at = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return result.subarray(0, at);
    if (at + value.length > size) {
      await reader.cancel();
      return new Uint8Array();
    }
    result.set(value, at);
    at += value.length;
  }
}

// crc is the CRC-32 of ISO 3309, as gzip and zip have it.
function crc(bytes: Uint8Array): number {
  let sum = ~0;
  for (const b of bytes) sum = (sum >>> 8) ^ remainders[(sum ^ b) & 0xff]!;
  return ~sum >>> 0;
}

const remainders = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let i = 0; i < 8; i++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

const damaged = (what: string) => new Error(`The zip archive is damaged: ${what} cannot be read.`);
