// The JSON Schema of fescue.yaml, which the server publishes: the form is made of it,
// and completion. So both know every key that the server knows.
import { queryOptions } from "@tanstack/react-query";
import { Failure, problemOf } from "../api/failure";

export interface Schema {
  type?: string | string[];
  description?: string;
  enum?: string[];
  examples?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  required?: string[];
}

export const schema = queryOptions({
  queryKey: ["schema"],
  staleTime: Infinity,
  queryFn: async (): Promise<Schema> => {
    const response = await fetch("/v1/schema/fescue.json");
    if (!response.ok) throw new Failure(problemOf(response.status, await response.json().catch(() => undefined)));
    return response.json();
  },
});

export type Kind = "text" | "choice" | "switch" | "number" | "words" | "list" | "map" | "group";

// kindOf is how a form shows a value.
export function kindOf(s: Schema): Kind {
  if (s.enum) return "choice";
  const type = Array.isArray(s.type) ? s.type[0] : s.type;
  switch (type) {
    case "boolean":
      return "switch";
    case "integer":
    case "number":
      return "number";
    case "array":
      return s.items && kindOf(s.items) === "group" ? "list" : "words";
    case "object":
      return s.properties ? "group" : "map";
  }
  return "text";
}

// at finds the schema of a path in the text.
export function at(s: Schema | undefined, path: string[]): Schema | undefined {
  for (const key of path) {
    if (!s) return undefined;
    if (s.items) s = s.items;
    s = s?.properties?.[key] ?? (typeof s?.additionalProperties === "object" ? s.additionalProperties : undefined);
  }
  return s?.items && kindOf(s) === "list" ? s.items : s;
}
