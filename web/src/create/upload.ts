// Files that a person brings: single ones, a folder, or an archive.
import { fileOf, type Files, maxEditable, unpack } from "./archive";
import { TooLarge } from "./zip";

const skipped = /(^|\/)(\.git|__pycache__|node_modules|\.DS_Store|\.venv)(\/|$)/;
const archived = /\.(tar|tgz|tar\.gz|zip)$/i;

// filesOf is what was chosen: one archive is opened, all else is taken as it is.
export async function filesOf(list: File[]): Promise<Files> {
  if (list.length === 1 && archived.test(list[0]!.name)) return tidy(await unpack(list[0]!));
  const wanted = list.filter((f) => !skipped.test(pathOf(f)));
  const size = wanted.reduce((sum, f) => sum + f.size, 0);
  if (size > maxEditable) throw new TooLarge(size);
  const files: Files = {};
  for (const file of wanted) files[pathOf(file)] = fileOf(new Uint8Array(await file.arrayBuffer()));
  return withoutCommonFolder(files);
}

const pathOf = (file: File) => file.webkitRelativePath || file.name;

const tidy = (files: Files) =>
  withoutCommonFolder(Object.fromEntries(Object.entries(files).filter(([path]) => !skipped.test(path))));

// dropped reads what was dropped, folders to their ground.
// The list is emptied as soon as the event is over: what is in it is taken at once.
export async function dropped(items: DataTransferItemList): Promise<Files> {
  const entries = [...items].map((i) => i.webkitGetAsEntry()).filter((e) => e !== null);
  if (entries.length === 1 && entries[0]!.isFile) return filesOf([await fileAt(entries[0] as FileSystemFileEntry)]);
  const found: { path: string; file: File }[] = [];
  for (const entry of entries) await walk(entry, found);
  const size = found.reduce((sum, { file }) => sum + file.size, 0);
  if (size > maxEditable) throw new TooLarge(size);
  const files: Files = {};
  for (const { path, file } of found) files[path] = fileOf(new Uint8Array(await file.arrayBuffer()));
  return withoutCommonFolder(files);
}

const fileAt = (entry: FileSystemFileEntry) => new Promise<File>((resolve, reject) => entry.file(resolve, reject));

async function walk(entry: FileSystemEntry, found: { path: string; file: File }[]): Promise<void> {
  const path = entry.fullPath.slice(1);
  if (skipped.test(path)) return;
  if (entry.isFile) {
    found.push({ path, file: await fileAt(entry as FileSystemFileEntry) });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const e of some) await walk(e, found);
  }
}

// withoutCommonFolder drops the folder that all files are in: it is the application's own.
export function withoutCommonFolder(files: Files): Files {
  const paths = Object.keys(files);
  const first = paths[0]?.split("/");
  if (!first || first.length < 2 || !paths.every((p) => p.startsWith(first[0] + "/"))) return files;
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [path.slice(first[0]!.length + 1), content]));
}

// sizeOf is the size of all files, about.
export const sizeOf = (files: Files) =>
  Object.values(files).reduce((sum, f) => sum + (typeof f === "string" ? f.length : (f.base64.length / 4) * 3), 0);
