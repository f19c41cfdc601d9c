// useCheck asks the server what it thinks of a configuration while it is written.
import { useQuery } from "@tanstack/react-query";
import { useDebouncedValue } from "@mantine/hooks";
import { answer, api } from "../api/client";

export function useCheck(text: string) {
  const [settled] = useDebouncedValue(text, 300);
  const query = useQuery({
    queryKey: ["check", settled],
    queryFn: () => answer(api.POST("/v1/configurations/check", { body: { text: settled } })),
    placeholderData: (before) => before,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  return { ...query, current: settled === text && !query.isPlaceholderData };
}
