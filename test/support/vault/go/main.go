// Vault for tests: HashiCorp's own core, HTTP interface, KV, transit and JWT login, in memory and unsealed. It says where it
// listens and its root token, a line each, and ends when its standard input does. Arguments: the files of a certificate and
// its key.
package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	_ "unsafe" // for linkname

	"github.com/hashicorp/go-hclog"
	jwtauth "github.com/hashicorp/vault-plugin-auth-jwt"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// Vault 1.14 is built with a copy of its SDK that was never published. The published one that comes nearest refuses paths
// that create without saying whether something is there, and would end at the first request: of the system, those of an
// edition that is not served, which are left out; of transit, those that are told here what Vault took them for.
//
//go:linkname entPaths github.com/hashicorp/vault/vault.entPaths
var entPaths func(*vault.SystemBackend) []*framework.Path

func newTransit(ctx context.Context, config *logical.BackendConfig) (logical.Backend, error) {
	backend, err := transit.Backend(ctx, config)
	if err != nil {
		return nil, err
	}
	for _, path := range backend.Paths {
		if path.ExistenceCheck == nil {
			path.ExistenceCheck = func(context.Context, *logical.Request, *framework.FieldData) (bool, error) { return true, nil }
		}
	}
	return backend, backend.Setup(ctx, config)
}

type registry map[consts.PluginType]map[string]logical.Factory

var builtins = registry{
	consts.PluginTypeSecrets:    {"kv": kv.Factory, "transit": newTransit},
	consts.PluginTypeCredential: {"jwt": jwtauth.Factory},
}

func (r registry) Contains(name string, kind consts.PluginType) bool {
	_, there := r[kind][name]
	return there
}

func (r registry) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	factory, there := r[kind][name]
	return func() (interface{}, error) { return factory, nil }, there
}

func (r registry) Keys(kind consts.PluginType) []string {
	return slices.Collect(maps.Keys(r[kind]))
}

func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

func main() {
	entPaths = func(*vault.SystemBackend) []*framework.Path { return nil }
	if err := serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context) error {
	quiet := hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Warn})
	storage, err := inmem.NewInmem(nil, quiet)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		DisableMlock:       true,
		Logger:             quiet,
		LogicalBackends:    builtins[consts.PluginTypeSecrets],
		CredentialBackends: builtins[consts.PluginTypeCredential],
		BuiltinRegistry:    builtins,
	})
	if err != nil {
		return err
	}
	shares := &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}
	keys, err := core.Initialize(ctx, &vault.InitParams{BarrierConfig: shares, RecoveryConfig: shares})
	if err != nil {
		return err
	}
	for _, share := range keys.SecretShares {
		if _, err := core.Unseal(share); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{},
	})
	go func() { _ = http.ServeTLS(listener, handler, os.Args[1], os.Args[2]) }()
	fmt.Println("https://" + listener.Addr().String())
	fmt.Println(keys.RootToken)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
