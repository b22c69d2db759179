// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** Words the server has translated, handed over in a `<template data-words>` so that scripts hold no language. */
export type Words = ReadonlyMap<string, string>;

export function wordsIn(root: ParentNode): Words {
  const words = new Map<string, string>();
  for (const template of root.querySelectorAll<HTMLTemplateElement>("template[data-words]")) {
    for (const item of template.content.querySelectorAll<HTMLElement>("[data-word]")) {
      words.set(item.dataset["word"] ?? "", item.textContent?.trim() ?? "");
    }
  }
  return words;
}
