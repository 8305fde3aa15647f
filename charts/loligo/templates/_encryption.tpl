{{/* Whether volumes can be encrypted: "true" or "". */}}
{{- define "loligo.encrypts" -}}
{{- if or .Values.encryption.keys .Values.encryption.existingSecret }}true{{ end -}}
{{- end -}}

{{- define "loligo.encryptionArgs" -}}
{{- if include "loligo.encrypts" . -}}
- --encryption-keys=/etc/loligo-encryption/keys.json
{{- end -}}
{{- end -}}

{{- define "loligo.encryptionMounts" -}}
{{- if include "loligo.encrypts" . -}}
- { name: encryption, mountPath: /etc/loligo-encryption, readOnly: true }
{{- if .Values.encryption.vaultAudience }}
- { name: vault-token, mountPath: /var/run/secrets/loligo-vault, readOnly: true }
{{- end }}
{{- end -}}
{{- end -}}

{{/* Called with (dict "root" $ "secret" name "mode" 0440). */}}
{{- define "loligo.encryptionVolumes" -}}
{{- if include "loligo.encrypts" .root -}}
- name: encryption
  secret: { secretName: {{ .secret }}, defaultMode: {{ .mode }} }
{{- with .root.Values.encryption.vaultAudience }}
- name: vault-token
  projected:
    defaultMode: {{ $.mode }}
    sources:
      - serviceAccountToken: { audience: {{ . | quote }}, expirationSeconds: 3600, path: token }
{{- end }}
{{- end -}}
{{- end -}}

{{- define "loligo.encryptionSecret" -}}
{{- default (printf "%s-encryption" (include "loligo.fullname" .)) .Values.encryption.existingSecret -}}
{{- end -}}

{{- define "loligo.nodeEncryptionSecret" -}}
{{- default (include "loligo.encryptionSecret" .) .Values.encryption.existingNodeSecret -}}
{{- end -}}
