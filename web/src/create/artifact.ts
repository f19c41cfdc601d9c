// The files of a stored artifact. Content with a digest never changes, so it is asked for once.
import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { type Files, maxEditable, unpack } from "./archive";

export const artifactFiles = (digest: string) =>
  queryOptions({
    queryKey: ["artifact", digest],
    staleTime: Infinity,
    gcTime: 5 * 60_000,
    queryFn: async (): Promise<Files> => {
      const path = { digest };
      const about = await answer(api.GET("/v1/artifacts/{digest}", { params: { path } }));
      if (about.unpacked > maxEditable) throw new Error("The artifact is too large to be shown in a browser.");
      const content = await answer<Blob>(
        api.GET("/v1/artifacts/{digest}/content", { params: { path }, parseAs: "blob" }) as never,
      );
      return unpack(content);
    },
  });
