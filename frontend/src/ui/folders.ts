// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** What was dropped, folders among it. */
export function entriesIn(dropped: DataTransfer): FileSystemEntry[] {
  return [...dropped.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
}

/** Every file below an entry with its path from there, one folder after another. */
export async function* filesIn(entry: FileSystemEntry): AsyncGenerator<[File, string]> {
  if (entry.isFile) {
    yield [await fileOf(entry as FileSystemFileEntry), entry.fullPath.replace(/^\//, "")];
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (let some = await nextOf(reader); some.length > 0; some = await nextOf(reader)) {
    for (const inner of some) yield* filesIn(inner);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A folder tells of its entries in parts; an empty one is the last. */
function nextOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}
