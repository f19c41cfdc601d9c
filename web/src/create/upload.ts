// Files that a person brings: single ones, a folder, or an archive.
import { fileOf, type Files, unpack } from "./archive";

const skipped = /(^|\/)(\.git|__pycache__|node_modules|\.DS_Store|\.venv)(\/|$)/;
export const maxEditable = 20 << 20;

export async function filesOf(list: File[]): Promise<Files> {
  const files: Files = {};
  for (const file of list) {
    const path = file.webkitRelativePath || file.name;
    if (skipped.test(path)) continue;
    if (/\.(tar|tgz|tar\.gz)$/.test(file.name) && list.length === 1) return unpack(file);
    if (/\.zip$/.test(file.name) && list.length === 1)
      throw new Error(
        "A zip archive cannot be edited here. Upload a folder or a tar.gz, or deploy the zip with the command line.",
      );
    files[path] = fileOf(new Uint8Array(await file.arrayBuffer()));
  }
  return withoutCommonFolder(files);
}

// dropped reads what was dropped, folders to their ground.
export async function dropped(items: DataTransferItemList): Promise<Files> {
  const entries = [...items].map((i) => i.webkitGetAsEntry()).filter((e) => e !== null);
  if (entries.length === 1 && entries[0]!.isFile) return filesOf([await fileAt(entries[0] as FileSystemFileEntry)]);
  const files: Files = {};
  for (const entry of entries) await walk(entry, files);
  return withoutCommonFolder(files);
}

const fileAt = (entry: FileSystemFileEntry) => new Promise<File>((resolve, reject) => entry.file(resolve, reject));

async function walk(entry: FileSystemEntry, files: Files): Promise<void> {
  const path = entry.fullPath.slice(1);
  if (skipped.test(path)) return;
  if (entry.isFile) {
    files[path] = fileOf(new Uint8Array(await (await fileAt(entry as FileSystemFileEntry)).arrayBuffer()));
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const e of some) await walk(e, files);
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
