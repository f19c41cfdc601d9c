// Code loads the editor when it is first needed.
import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";
import type { CodeEditorProps } from "./CodeEditor";

const CodeEditor = lazy(() => import("./CodeEditor"));

export function Code(props: CodeEditorProps) {
  return (
    <Suspense fallback={<Skeleton height={props.height ?? 300} />}>
      <CodeEditor {...props} />
    </Suspense>
  );
}
