package client

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Applications lists applications and how they are on each device.
func (c *Client) Applications(ctx context.Context) ([]spec.Application, error) {
	return all[spec.Application](ctx, c, "list applications", "", nil, "v1", "applications")
}

// Application tells how an application is on each device.
func (c *Client) Application(ctx context.Context, name spec.Name) (spec.Application, error) {
	return get[spec.Application](ctx, c, "read application", string(name), nil, "v1", "applications", string(name))
}

// StartApplication makes a stopped application run again.
func (c *Client) StartApplication(ctx context.Context, name spec.Name) (spec.Application, error) {
	return call[spec.Application](ctx, c, applicationRequest("start application", http.MethodPost, name, "start"))
}

// StopApplication stops an application until it is started.
func (c *Client) StopApplication(ctx context.Context, name spec.Name) (spec.Application, error) {
	return call[spec.Application](ctx, c, applicationRequest("stop application", http.MethodPost, name, "stop"))
}

// DeleteApplication takes an application off every device. With versions, it
// waits for that and deletes the stored versions.
func (c *Client) DeleteApplication(ctx context.Context, name spec.Name, versions bool) error {
	r := applicationRequest("delete application", http.MethodDelete, name)
	if versions {
		r.query = url.Values{"versions": {"true"}}
	}
	return c.do(ctx, r)
}

func applicationRequest(op, method string, name spec.Name, more ...string) *request {
	return &request{op: op, on: string(name), method: method, path: append([]string{"v1", "applications", string(name)}, more...)}
}

// InvokeOptions bound a call of a function.
type InvokeOptions struct {
	Device      spec.DeviceID // default: the only one that has it
	Timeout     time.Duration // default 30 s
	ContentType string        // of the payload
}

// Invoke calls a function and returns what its handler returned. An exception of
// the handler is a *[HandlerError] in the error.
func (c *Client) Invoke(ctx context.Context, name spec.Name, payload []byte, o InvokeOptions) ([]byte, error) {
	r := applicationRequest("invoke", http.MethodPost, name, "invoke")
	r.query = onDevice(o.Device)
	if o.Timeout > 0 {
		r.query.Set("timeout", o.Timeout.String())
	}
	r.bytes(payload)
	if o.ContentType != "" {
		r.set("Content-Type", o.ContentType)
	}
	answer, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	result, err := io.ReadAll(io.LimitReader(answer.Body, maxRecord))
	if err != nil {
		return nil, c.unreachable(ctx, err, r)
	}
	return result, nil
}

func onDevice(id spec.DeviceID) url.Values {
	query := url.Values{}
	if id != "" {
		query.Set("device", string(id))
	}
	return query
}

// DeployRequest asks for a stored version to run.
type DeployRequest struct {
	Name    spec.Name       `json:"name"`
	Version spec.Version    `json:"version,omitempty"` // default: the latest
	Devices []spec.DeviceID `json:"devices,omitempty"` // default: the only one
}

// Deploy queues a deployment.
func (c *Client) Deploy(ctx context.Context, d DeployRequest) (deployment spec.Deployment, err error) {
	r := &request{op: "deploy", on: string(d.Name), method: http.MethodPost, path: []string{"v1", "deployments"}}
	if err := r.record(d); err != nil {
		return deployment, err
	}
	return call[spec.Deployment](ctx, c, r)
}

// DeployArchive stores a configuration and an archive and deploys them, all in one
// request. The archive is read to its end and not closed.
func (c *Client) DeployArchive(ctx context.Context, text string, archive io.Reader, devices ...spec.DeviceID) (spec.Deployment, error) {
	in, out := io.Pipe()
	form := multipart.NewWriter(out)
	written := make(chan error, 1)
	go func() {
		err := writeForm(form, text, archive, devices)
		out.CloseWithError(err)
		written <- err
	}()
	r := &request{op: "deploy", method: http.MethodPost, path: []string{"v1", "deployments"}, body: in, length: -1, expects: true}
	r.set("Content-Type", form.FormDataContentType())
	d, err := call[spec.Deployment](ctx, c, r)
	in.CloseWithError(errors.New("the request ended")) // so that the writer ends in any case
	<-written
	return d, err
}

func writeForm(form *multipart.Writer, text string, archive io.Reader, devices []spec.DeviceID) error {
	if err := form.WriteField("configuration", text); err != nil {
		return err
	}
	for _, id := range devices {
		if err := form.WriteField("devices", string(id)); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("artifact", "artifact")
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, archive); err != nil {
		return fail.Wrap(err, fail.Internal, "read archive", "")
	}
	return form.Close()
}

// Deployments lists deployments, newest first, of one application or (name "") of
// all.
func (c *Client) Deployments(ctx context.Context, name spec.Name) ([]spec.Deployment, error) {
	return all[spec.Deployment](ctx, c, "list deployments", string(name), named(name), "v1", "deployments")
}

// Deployment tells how a deployment stands.
func (c *Client) Deployment(ctx context.Context, id spec.DeploymentID) (spec.Deployment, error) {
	return get[spec.Deployment](ctx, c, "read deployment", number(id), nil, "v1", "deployments", number(id))
}

// CancelDeployment ends a deployment that is under way.
func (c *Client) CancelDeployment(ctx context.Context, id spec.DeploymentID) (spec.Deployment, error) {
	return call[spec.Deployment](ctx, c, &request{
		op: "cancel deployment", on: number(id), method: http.MethodPost, path: []string{"v1", "deployments", number(id), "cancel"},
	})
}

// DeploymentHistory is what was reported of a deployment so far.
func (c *Client) DeploymentHistory(ctx context.Context, id spec.DeploymentID) ([]spec.Event, error) {
	l, err := get[list[spec.Event]](ctx, c, "list events of deployment", number(id), nil, "v1", "deployments", number(id), "events")
	return l.Items, err
}

func number(id spec.DeploymentID) string { return strconv.FormatInt(int64(id), 10) }
