// The session: what GET /v1/session says, and how it begins and ends.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api, credentials } from "../api/client";
import { Failure } from "../api/failure";

const key = ["session"];

// useSession is undefined while nobody knows, null when nobody is signed in.
export function useSession() {
  const client = useQueryClient();
  credentials.ended = () => client.setQueryData(key, null);
  return useQuery({
    queryKey: key,
    staleTime: Infinity,
    queryFn: async () => {
      const token = tokenFromLink();
      if (token) return open(token);
      try {
        const session = await answer(api.GET("/v1/session"));
        credentials.word = session.csrf;
        return session;
      } catch (error) {
        if (error instanceof Failure && error.problem.status === 401) return null;
        throw error;
      }
    },
  });
}

async function open(token: string) {
  const session = await answer(api.POST("/v1/session", { body: { token } }));
  credentials.word = session.csrf;
  return session;
}

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({ mutationFn: open, onSuccess: (session) => client.setQueryData(key, session) });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answer(api.DELETE("/v1/session")),
    onSuccess: () => {
      client.setQueryData(key, null);
      client.removeQueries({ predicate: (q) => q.queryKey[0] !== key[0] });
    },
  });
}

// tokenFromLink takes a token out of a link such as /#token=…: what stands behind the
// hash is not sent to any server, and it does not stay in the address bar.
function tokenFromLink(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}
