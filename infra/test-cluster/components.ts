/**
 * The command lines of the control plane's programs. All listen on loopback and use one folder. Called by
 * control-plane.ts.
 */
import type { Tools } from './tools.ts'

export type ClusterContext = {
  folder: string
  file(name: string): string
  /** The port of the API server. */
  port: number
}

type Program = Parameters<Tools['program']>[0]
export type Component = { program: Program; title: string; args: string[] }

/**
 * The database of the cluster. It listens on Unix sockets in the folder, so only the owner of the folder can connect.
 */
export function etcd(cluster: ClusterContext): Component {
  const [clients, peers] = [`unix://${cluster.file('etcd.sock')}`, `unix://${cluster.file('etcd-peer.sock')}`]
  return {
    program: 'etcd',
    title: 'etcd',
    args: [
      `--data-dir=${cluster.file('etcd')}`,
      `--listen-client-urls=${clients}`,
      `--advertise-client-urls=${clients}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=default=${peers}`,
      // No fsync, because the data is temporary.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
  }
}

export function apiServer(cluster: ClusterContext): Component {
  return {
    program: 'kube-apiserver',
    title: 'The API server',
    args: [
      `--etcd-servers=unix://${cluster.file('etcd.sock')}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${cluster.port}`,
      // Its address is not published in the cluster, because simulated pods call nothing.
      '--endpoint-reconciler-type=none',
      // It creates its certificate in this folder.
      `--cert-dir=${cluster.file('certificates')}`,
      `--token-auth-file=${cluster.file('tokens.csv')}`,
      '--anonymous-auth=false',
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${cluster.file('service-accounts.key')}`,
      `--service-account-signing-key-file=${cluster.file('service-accounts.key')}`,
      '--service-cluster-ip-range=10.96.0.0/16',
    ],
  }
}

/** The programs that start when the API server is ready. */
export function controllers(cluster: ClusterContext): Component[] {
  const kubeconfig = `--kubeconfig=${cluster.file('kubeconfig')}`
  const commonArguments = ['--leader-elect=false', '--secure-port=0']
  return [
    {
      program: 'kube-controller-manager',
      title: 'The controller manager',
      args: [
        kubeconfig,
        ...commonArguments,
        `--service-account-private-key-file=${cluster.file('service-accounts.key')}`,
        `--root-ca-file=${cluster.file('authority.crt')}`,
      ],
    },
    { program: 'kube-scheduler', title: 'The scheduler', args: [kubeconfig, ...commonArguments] },
    {
      program: 'kwok',
      title: 'kwok',
      args: [
        kubeconfig,
        '--manage-all-nodes',
        // Without it the node counts as lost after 40 seconds.
        '--node-lease-duration-seconds=40',
        '--cidr=10.244.0.1/16',
        '--node-ip=10.0.0.1',
        `--config=${cluster.file('stages.yaml')}`,
      ],
    },
  ]
}
