// useAddress is what the page's address says, and changes it: what one looks at can be linked.
import { useSearchParams } from "wouter";

export function useAddress(options?: { replace: boolean }) {
  const [search, setSearch] = useSearchParams();
  const put = (key: string, value: string) =>
    setSearch((was) => {
      if (value) was.set(key, value);
      else was.delete(key);
      return was;
    }, options);
  return [search, put] as const;
}
