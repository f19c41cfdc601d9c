// Topics as the tree that their levels make.
import type { TopicRate } from "./rates";

export interface Branch {
  name: string;
  path: string;
  topic?: TopicRate; // if it is a topic itself
  branches: Branch[];
  rate: number; // of everything below and the topic itself
}

export function treeOf(topics: TopicRate[]): Branch[] {
  const root: Branch = { name: "", path: "", branches: [], rate: 0 };
  for (const topic of [...topics].sort((a, b) => (a.topic < b.topic ? -1 : 1))) {
    let at = root;
    const levels = topic.topic.split("/");
    levels.forEach((name, i) => {
      const path = levels.slice(0, i + 1).join("/");
      let next = at.branches.find((b) => b.name === name);
      if (!next) at.branches.push((next = { name, path, branches: [], rate: 0 }));
      next.rate += topic.rate;
      at = next;
    });
    at.topic = topic;
  }
  return root.branches.map(join);
}

// join makes one branch of levels that have nothing beside them: a/b/c rather than three steps.
function join(b: Branch): Branch {
  const branches = b.branches.map(join);
  const only = branches[0];
  if (!b.topic && branches.length === 1 && only) return { ...only, name: `${b.name}/${only.name}` };
  return { ...b, branches };
}

export interface Row {
  branch: Branch;
  depth: number;
}

// rowsOf is the tree from top to bottom without what is folded.
export function rowsOf(branches: Branch[], folded: Set<string>, depth = 0): Row[] {
  return branches.flatMap((branch) => [
    { branch, depth },
    ...(folded.has(branch.path) ? [] : rowsOf(branch.branches, folded, depth + 1)),
  ]);
}
