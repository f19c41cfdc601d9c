// exportsOf reads which functions a WebAssembly module exports (WebAssembly core
// specification, section 5.5), without running or compiling it, which the page's policy forbids.
export function exportsOf(content: { base64: string }): string[] {
  const bytes = Uint8Array.from(atob(content.base64), (c) => c.charCodeAt(0));
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 0x61) return []; // \0asm
  const reader = new Reader(bytes, 8);
  while (!reader.done) {
    const section = reader.byte();
    const end = reader.number() + reader.at;
    if (section === exportSection) return functions(reader);
    reader.at = end;
  }
  return [];
}

const exportSection = 7;
const functionKind = 0;

function functions(reader: Reader): string[] {
  const names: string[] = [];
  for (let n = reader.number(); n > 0 && !reader.done; n--) {
    const name = reader.text(reader.number());
    const kind = reader.byte();
    reader.number();
    if (kind === functionKind && !name.startsWith("__") && name !== "_initialize") names.push(name);
  }
  return names;
}

class Reader {
  constructor(
    private readonly bytes: Uint8Array,
    public at: number,
  ) {}

  get done() {
    return this.at >= this.bytes.length;
  }

  byte = () => this.bytes[this.at++] ?? 0;

  text = (length: number) => new TextDecoder().decode(this.bytes.subarray(this.at, (this.at += length)));

  // number is an unsigned LEB128 of 32 bits.
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const b = this.byte();
      value += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) break;
    }
    return value;
  }
}
