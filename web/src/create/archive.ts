// Archives of code, made and read in the browser: tar (POSIX ustar) with gzip, which
// browsers have built in. Zip archives are read too.
import { isZip, TooLarge, unzip } from "./zip";

// Files are the contents of an archive, by path. What is no text is kept as bytes in
// Base64, to be sent back as it came.
export type Files = Record<string, string | { base64: string }>;

const block = 512;
const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true });
const loose = new TextDecoder();

export async function pack(files: Files): Promise<Blob> {
  const parts: BlobPart[] = [];
  for (const path of Object.keys(files).sort()) {
    const content = bytesOf(files[path]!);
    parts.push(header(path, content), content, new Uint8Array((block - (content.length % block)) % block));
  }
  parts.push(new Uint8Array(2 * block));
  const tar = new Blob(parts).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(tar).blob();
}

function bytesOf(file: Files[string]): Uint8Array<ArrayBuffer> {
  if (typeof file === "string") return encoder.encode(file);
  return Uint8Array.from(atob(file.base64), (c) => c.charCodeAt(0));
}

// What a browser is given has no mode: scripts and programs tell by how they begin.
function modeOf(content: Uint8Array): string {
  const [a, b, c, d] = content;
  const script = a === 0x23 && b === 0x21; // #!
  const program = a === 0x7f && b === 0x45 && c === 0x4c && d === 0x46; // ELF
  return script || program ? "0000755\0" : "0000644\0";
}

function header(path: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const h = new Uint8Array(block);
  const put = (text: string, at: number) => h.set(encoder.encode(text), at);
  const [prefix, name] = splitPath(path);
  put(name, 0);
  put(modeOf(content), 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  put(content.length.toString(8).padStart(11, "0") + "\0", 124);
  put("00000000000\0", 136); // no time: the same files make the same archive
  put("        ", 148);
  put("0", 156);
  put("ustar\x0000", 257);
  put(prefix, 345);
  const sum = h.reduce((a, b) => a + b, 0);
  put(sum.toString(8).padStart(6, "0") + "\0 ", 148);
  return h;
}

// splitPath fits a path into the 155 and 100 bytes that the format has for it.
function splitPath(path: string): [string, string] {
  if (encoder.encode(path).length <= 100) return ["", path];
  for (let i = path.indexOf("/"); i >= 0; i = path.indexOf("/", i + 1)) {
    const [prefix, name] = [path.slice(0, i), path.slice(i + 1)];
    if (encoder.encode(name).length <= 100 && encoder.encode(prefix).length <= 155) return [prefix, name];
  }
  throw new Error(`The path ${path} is too long for an archive.`);
}

// maxEditable is how much a browser takes for its editor.
export const maxEditable = 20 << 20;

// unpack gives the files of a tar, tar.gz or zip, told by how it begins.
export async function unpack(archive: Blob): Promise<Files> {
  const head = new Uint8Array(await archive.slice(0, 2).arrayBuffer());
  if (isZip(head)) return unzip(archive, maxEditable);
  const zipped = head[0] === 0x1f && head[1] === 0x8b;
  return untar(await bounded(zipped ? archive.stream().pipeThrough(new DecompressionStream("gzip")) : archive.stream()));
}

// bounded reads a stream to its end, unless that is too far.
async function bounded(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = stream.getReader();
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    size += value.length;
    if (size > 2 * maxEditable) throw new TooLarge(size);
    parts.push(value as Uint8Array<ArrayBuffer>);
  }
}

function untar(bytes: Uint8Array): Files {
  const files: Files = {};
  let longName = "";
  for (let at = 0; at + block <= bytes.length && bytes[at] !== 0;) {
    const h = bytes.subarray(at, at + block);
    if (field(h, 257, 5) !== "ustar") throw new Error("This is neither a tar, a tar.gz nor a zip archive.");
    const size = parseInt(field(h, 124, 12).trim() || "0", 8);
    const content = bytes.subarray(at + block, at + block + size);
    const kind = String.fromCharCode(h[156]!);
    if (kind === "x") longName = paxPath(content);
    else {
      const prefix = field(h, 345, 155);
      const path = (longName || (prefix ? prefix + "/" : "") + field(h, 0, 100)).replace(/^(\.\/)+/, "");
      if (kind === "0" || kind === "\0") files[path] = fileOf(content);
      longName = "";
    }
    at += block * (1 + Math.ceil(size / block));
  }
  return files;
}

function field(h: Uint8Array, at: number, length: number): string {
  const raw = h.subarray(at, at + length);
  const end = raw.indexOf(0);
  return loose.decode(end < 0 ? raw : raw.subarray(0, end));
}

function paxPath(content: Uint8Array): string {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(loose.decode(content))?.[1] ?? "";
}

export function fileOf(content: Uint8Array): Files[string] {
  try {
    const text = strict.decode(content);
    if (!text.includes("\0")) return text;
  } catch {
    // not text
  }
  let binary = "";
  for (const b of content) binary += String.fromCharCode(b);
  return { base64: btoa(binary) };
}
