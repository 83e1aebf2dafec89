package main

import (
	"context"
	"fmt"
	"net"

	"github.com/LerianStudio/lib-auth/v2/auth/middleware"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// productKey is the metadata key in which a caller names the product of its call.
const productKey = "x-product"

// checkGRPC asks a gRPC server whose methods the library guards. The service is made by hand, so
// that no generated code is needed: every method takes and answers google.protobuf.Empty.
func checkGRPC(r *report, client *middleware.AuthClient, person, machine string) {
	connection, stop, err := startGuarded(client)
	r.check("gRPC, server starts: error", nil, err)
	if err != nil {
		return
	}
	defer stop()

	for _, c := range []struct {
		name, authorization string
		question            question
		want                codes.Code
	}{
		{"person, granted", "Bearer " + person, getAccounts, codes.OK},
		{"person, bare token", person, getAccounts, codes.OK},
		{"person, not granted", "Bearer " + person, deleteAccounts, codes.PermissionDenied},
		{"person, another product", "Bearer " + person, getPackages, codes.PermissionDenied},
		{"machine, granted", "Bearer " + machine, getAccounts, codes.OK},
		{"machine, another product", "Bearer " + machine, getPackages, codes.PermissionDenied},
		{"no token", "", getAccounts, codes.Unauthenticated},
		{"rubbish token", "Bearer rubbish", getAccounts, codes.Unauthenticated},
		{"forged signature", "Bearer " + forged(person), getAccounts, codes.Unauthenticated},
	} {
		ctx := metadata.AppendToOutgoingContext(context.Background(), productKey, c.question.product)
		if c.authorization != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", c.authorization)
		}
		err := connection.Invoke(ctx, method(c.question), &emptypb.Empty{}, &emptypb.Empty{})
		r.check(fmt.Sprintf("gRPC, %s, %v", c.name, c.question), c.want, status.Code(err))
	}
}

func method(q question) string {
	return "/guarded.Service/" + q.resource + "_" + q.action
}

// startGuarded serves one method per question on a free port and connects to it.
func startGuarded(client *middleware.AuthClient) (*grpc.ClientConn, func(), error) {
	questions := []question{getAccounts, deleteAccounts, getPackages}
	policies := map[string]middleware.Policy{}
	service := grpc.ServiceDesc{ServiceName: "guarded.Service", HandlerType: (*any)(nil)}
	for _, q := range questions {
		policies[method(q)] = middleware.Policy{Resource: q.resource, Action: q.action}
		service.Methods = append(service.Methods, letIn(q))
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(middleware.NewGRPCAuthUnaryPolicy(client,
		middleware.PolicyConfig{
			MethodPolicies: policies,
			SubResolver:    middleware.SubFromMetadata(productKey),
		})))
	server.RegisterService(&service, nil)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	go func() { _ = server.Serve(listener) }()

	connection, err := grpc.NewClient(listener.Addr().String(),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		server.Stop()
		return nil, nil, err
	}
	return connection, func() { _ = connection.Close(); server.Stop() }, nil
}

// letIn is a method that does nothing once the guard before it has let the call pass.
func letIn(q question) grpc.MethodDesc {
	handle := func(context.Context, any) (any, error) { return &emptypb.Empty{}, nil }
	return grpc.MethodDesc{
		MethodName: q.resource + "_" + q.action,
		Handler: func(
			_ any, ctx context.Context, decode func(any) error, guard grpc.UnaryServerInterceptor,
		) (any, error) {
			request := &emptypb.Empty{}
			if err := decode(request); err != nil {
				return nil, err
			}
			info := &grpc.UnaryServerInfo{FullMethod: method(q)}
			return guard(ctx, request, info, handle)
		},
	}
}
