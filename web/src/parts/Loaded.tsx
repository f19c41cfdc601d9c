// Loaded shows what a query answered; until then the place that it will take, and
// if there is no answer, why. Nothing spins for ever: queries end.
import { Skeleton } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Trouble } from "./Trouble";

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  height?: number; // that the content will have, about
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, height = 160, children }: LoadedProps<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Trouble error={query.error} onRetry={() => void query.refetch()} />;
  return <Skeleton height={height} aria-label="Loading" role="status" />;
}
