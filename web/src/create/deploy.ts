// Deploying what was written: code and configuration in one request.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api, type Deployment } from "../api/client";
import { type Files, pack } from "./archive";
import { configurationFile } from "./templates";

export interface ToDeploy {
  config: string;
  files: Files;
  devices: string[]; // none: the only one there is
}

export function useDeploy() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ config, files, devices }: ToDeploy): Promise<Deployment> => {
      // The configuration is in the archive too, as when the command line packs a folder.
      const artifact = await pack({ ...files, [configurationFile]: config });
      const form = new FormData();
      form.append("configuration", config);
      for (const device of devices) form.append("devices", device);
      form.append("artifact", artifact, "artifact.tar.gz");
      return answer(api.POST("/v1/deployments", { body: form as never, bodySerializer: (b) => b as never }));
    },
    onSuccess: () => client.invalidateQueries(),
  });
}

// useRedeploy sets a version that is stored to run.
export function useRedeploy() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; version: string; devices: string[] }) => answer(api.POST("/v1/deployments", { body })),
    onSuccess: () => client.invalidateQueries(),
  });
}
