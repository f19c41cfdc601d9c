// Values of state keys: bytes, which mostly are text or JSON.

// textOf is a value as text, or undefined if it is none.
export function textOf(base64: string): string | undefined {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

export function base64Of(text: string): string {
  let binary = "";
  for (const b of new TextEncoder().encode(text)) binary += String.fromCharCode(b);
  return btoa(binary);
}

// hexOf is the beginning of bytes that are no text.
export function hexOf(base64: string, most = 256): string {
  const all = atob(base64);
  const hex = Array.from(all.slice(0, most), (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
  return all.length > most ? `${hex} …` : hex;
}
